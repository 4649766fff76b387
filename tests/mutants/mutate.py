"""One small change of a C source at a time: the mutants of a file.

Mutants(text) lists them. Each is of one kind:

  compare   < becomes <=, >= becomes >, == becomes !=, and so on
  constant  a number becomes the next one up or down, false becomes true after `return`
  drop      one side of && or || goes, or an if that never takes its branch
  call      a call that stands alone goes

A change stays on its line, so line numbers stay.

Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE.
"""
import collections
import re

Mutant = collections.namedtuple("Mutant", "kind line start end new before after")
Token = collections.namedtuple("Token", "text start")

TOKEN = re.compile(r"""
    (?P<skip>\s+ | //[^\n]* | /\*.*?\*/)
  | (?P<hash>^[ \t]*\#(?:\\\n|/\*.*?\*/|[^\n])*)
  | (?P<token>"(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*'
      | [A-Za-z_]\w* | 0[xX][0-9a-fA-F]+[uUlL]* | \d+(?:\.\d+)?[uUlL]*
      | <<=|>>=|\.\.\.|->|\+\+|--|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^]=|.)
""", re.X | re.S | re.M)
DEFINE = re.compile(r"\s*#\s*define\s+\w+\s+\(?(0[xX][0-9a-fA-F]+|\d+)[uUlL]*\)?\s*(?:/\*.*)?$", re.S)
OTHER = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "=="}
OPEN, CLOSE = {"(": ")", "[": "]", "{": "}"}, {")", "]", "}"}
WORD = re.compile(r"[A-Za-z_]\w*$")
NUMBER = re.compile(r"(0[xX][0-9a-fA-F]+|\d+)([uUlL]*)$")
STATEMENT = {";", "{", "}", "else", ":"}
KEYWORDS = {"if", "while", "for", "switch", "return", "sizeof", "do", "else", "case", "goto"}


class Mutants(list):
    def __init__(self, text):
        super().__init__()
        self.text = text
        self.tokens = []
        self.defines()
        self.pairs = self.match()
        self.depth_one = self.bodies()
        for i in range(len(self.tokens)):
            self.compare(i)
            self.constant(i)
            self.drop(i)
            self.branch(i)
            self.call(i)
        self.sort(key=lambda m: (m.start, m.new))

    def defines(self):
        """Tokens, and the numbers that #define names."""
        for found in TOKEN.finditer(self.text):
            if found["token"]:
                self.tokens.append(Token(found["token"], found.start("token")))
            elif found["hash"]:
                number = DEFINE.match(found["hash"])
                if number:
                    self.numbers(found.start("hash") + number.start(1), number[1], "")

    def match(self):
        """Place of the other bracket of each bracket."""
        pairs, stack = {}, []
        for i, token in enumerate(self.tokens):
            if token.text in OPEN:
                stack.append(i)
            elif token.text in CLOSE and stack:
                pairs[i] = stack.pop()
                pairs[pairs[i]] = i
        return pairs

    def bodies(self):
        """Which tokens are in the body of a function."""
        inside, i = set(), 0
        while i < len(self.tokens):
            if self.tokens[i].text == "{" and i in self.pairs:
                if self.tokens[i - 1].text == ")":
                    inside.update(range(i, self.pairs[i]))
                i = self.pairs[i]
            i += 1
        return inside

    def put(self, kind, start, end, new):
        head = self.text.rfind("\n", 0, start) + 1
        tail = self.text.find("\n", end)
        new += "\n" * self.text.count("\n", start, end)
        before = " ".join(self.text[head:tail].split())
        after = " ".join((self.text[head:start] + new + self.text[end:tail]).split())
        if before != after:
            self.append(Mutant(kind, self.text.count("\n", 0, start) + 1, start, end, new, before, after))

    def numbers(self, start, digits, suffix):
        value = int(digits, 0) if digits[:1] != "0" or digits[1:2] in ("x", "X") else int(digits, 8)
        for other in (value - 1, value + 1):
            if other >= 0:
                self.put("constant", start, start + len(digits) + len(suffix), str(other) + suffix)

    def compare(self, i):
        token = self.tokens[i]
        if token.text in OTHER and i in self.depth_one:
            self.put("compare", token.start, token.start + len(token.text), OTHER[token.text])

    def constant(self, i):
        token = self.tokens[i]
        number = NUMBER.match(token.text)
        if number and not self.is_size(i):
            self.numbers(token.start, number[1], number[2])
        elif token.text in ("true", "false") and self.tokens[i - 1].text == "return":
            self.put("constant", token.start, token.start + len(token.text), "false" if token.text == "true" else "true")

    def is_size(self, i):
        """`char text[46]`, `char text[NAME_MAX + 2]`: another size of a buffer is not another behaviour."""
        if [token.text for token in self.tokens[i - 3:i:2]] == ["[", "+"]:
            i -= 2
        texts = [token.text for token in self.tokens[i - 3:i]]
        return len(texts) == 3 and texts[2] == "[" and bool(WORD.match(texts[1])) and (
            texts[0] == "*" or bool(WORD.match(texts[0])) and texts[0] not in KEYWORDS)

    def side(self, i, step, stops):
        """From an operator outwards: the first token that is not of its operand."""
        at = i + step
        while 0 <= at < len(self.tokens) and self.tokens[at].text not in stops:
            outwards = CLOSE if step < 0 else OPEN
            at = self.pairs.get(at, at) if self.tokens[at].text in outwards else at
            at += step
        return at

    def drop(self, i):
        """`a && b`: a, and b."""
        operator = self.tokens[i].text
        if operator not in ("&&", "||") or i not in self.depth_one:
            return
        weaker = {"||", "&&"} if operator == "&&" else {"||"}
        stops = weaker | {";", "?", ":", ",", "return", "="}
        left, right = self.side(i, -1, stops | set(OPEN)), self.side(i, 1, stops | CLOSE)
        first, last = self.tokens[left + 1].start, self.tokens[right - 1]
        self.put("drop", first, self.tokens[i + 1].start, "")
        self.put("drop", self.tokens[i - 1].start + len(self.tokens[i - 1].text), last.start + len(last.text), "")

    def branch(self, i):
        if self.tokens[i].text == "if" and i + 1 in self.pairs and i in self.depth_one:
            start = self.tokens[i + 1].start + 1
            self.put("drop", start, start, "false && ")
            whole = self.tokens[self.pairs[i + 1]].start
            self.wrap(start, whole)

    def wrap(self, start, end):
        """`if (false && (a || b))`: the last mutant, with its brackets."""
        last = self.pop()
        text = self.text[start:end]
        if "||" not in text and "?" not in text:
            self.append(last)
        elif "\n" not in text:
            self.put("drop", start, end, f"false && ({text})")

    def call(self, i):
        """`name(...);` as a statement."""
        if i not in self.depth_one or not WORD.match(self.tokens[i].text) or self.tokens[i].text in KEYWORDS:
            return
        before = self.tokens[i - 1].text
        if before not in STATEMENT and not self.after_condition(i - 1):
            return
        end = self.pairs.get(i + 1)
        if self.tokens[i + 1].text == "(" and end and self.tokens[end + 1].text == ";":
            self.put("call", self.tokens[i].start, self.tokens[end].start + 1, "")

    def after_condition(self, i):
        """The bracket that closes an if, a while or a for."""
        return self.tokens[i].text == ")" and self.tokens[self.pairs[i] - 1].text in ("if", "while", "for")
