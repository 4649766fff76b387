/* Inner parts of the generic-name judge: text, address traces, words, weights.
 *
 * A name becomes a struct view (text and runs of digits or letters), the view
 * and the address become a struct trace (where the address shows in the name),
 * and both become a struct evidence (the clues that apply and the short letter
 * groups). A clue or group has one weight; their sum is the score. Only
 * the files of this folder, their test and the trainer include this header.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_SHAPE_PARTS_H
#define IPREV_SHAPE_PARTS_H

#include "value/dname.h"

#define VIEW_TOKENS_MAX 48

enum { VIEW_SEPARATOR, VIEW_DIGIT, VIEW_HEX, VIEW_LETTER }; /* HEX: a to f */

struct token {
    uint8_t at, len;
    bool digits;     /* a run of digits, else a run of letters */
    uint8_t classes; /* of letters inside the host part, see below */
    bool opaque;     /* part of a long hexadecimal text */
    bool glue;       /* no, not, by, yet: says nothing alone */
    uint8_t parts;   /* of letters that are no word: PART_... that they contain */
    uint32_t value;  /* of digits; UINT32_MAX when larger */
};

/* Text of the name, labels separated by dots. The host part is text[0..host):
 * all left of the registrable domain, or the first label when the name is
 * itself registrable (bare). More tokens than fit are not looked at. */
struct view {
    char text[DNAME_TEXT_MAX];
    uint8_t sort[DNAME_TEXT_MAX]; /* of each character */
    uint8_t len, host, first;     /* first: length of the first label */
    uint8_t org, org_len;         /* first label of the registrable domain */
    bool bare;
    bool numbers;        /* a digit is in the host part */
    bool hash, hex;      /* and opaque text: changing letters and digits, hexadecimal */
    uint8_t labels;      /* of the host part */
    uint8_t ntok, nhost; /* all tokens; those inside the host part */
    struct token tok[VIEW_TOKENS_MAX];
};

/* How the address shows, weakest first: of two traces the later form wins. */
enum form {
    FORM_NONE,
    FORM_LAST1,    /* last octet, one digit */
    FORM_LAST2,    /* last octet, two digits */
    FORM_OTHER1,   /* another octet of two or three digits alone */
    FORM_LAST3,    /* last octet, three digits */
    FORM_QUAD,     /* four octets that are not this address */
    FORM_PAIR,     /* two octets in another order */
    FORM_HEX2,     /* two octets in hexadecimal */
    FORM_RUN2,     /* last two octets run together */
    FORM_TAIL,     /* last two octets in order */
    FORM_TAIL_REV, /* last two octets reversed */
    FORM_THREE,    /* three octets */
    FORM_NEAR,     /* a neighbouring address */
    FORM_HEX3,
    FORM_RUN3,
    FORM_NUMBER, /* the whole address as one decimal number */
    FORM_HEX,
    FORM_RUN,
    FORM_FULL,     /* four octets in order */
    FORM_REVERSED, /* four octets reversed */
    FORM_PERMUTED, /* four octets in another order */
    FORM_SIX_PART, /* some groups of an IPv6 address */
    FORM_SIX,      /* most of an IPv6 address */
    FORM_COUNT
};

struct trace {
    uint8_t form;    /* enum form */
    uint8_t at, len; /* part of the text that shows it */
    bool padded;     /* octets with leading zeros */
    bool outside;    /* not wholly inside the host part */
};

/* Classes of words, a set. */
enum {
    WORD_ACCESS = 1,   /* line of an end customer: dsl, cable, dyn */
    WORD_BLOCK = 2,    /* a whole range: static, customer, host, pool */
    WORD_MACHINE = 4,  /* default of a hoster: vps, vm, dedi */
    WORD_EMPTY = 8,    /* placeholder: unassigned, hosted, unknown */
    WORD_SENDING = 16, /* out, relay, mta */
    WORD_MAIL = 32,    /* mail, smtp, mx */
    WORD_ROLE = 64,    /* other chosen roles: www, ns, vpn */
    WORD_GLUE = 128    /* not a class of its own, see struct token */
};
#define WORD_CLASSES 7

enum { SCHEME_TRACES = 4, SCHEME_LABELS = 6, SCHEME_OWNERS = 4 };

enum {
    CLUE_BIAS,
    CLUE_FORM,                           /* + enum form */
    CLUE_WHOLE = CLUE_FORM + FORM_COUNT, /* three octets and more, in any form */
    CLUE_PADDED,
    CLUE_OUTSIDE,
    CLUE_FORM_MAIL,                                /* one octet, with a word of mail */
    CLUE_FORM_MAIL_PART,                           /* part of the address, with one */
    CLUE_FORM_MAIL_FULL,                           /* the whole address, with one */
    CLUE_FORM_AFTER_MAIL,                          /* + 1: three octets; joined to a word of mail */
    CLUE_BESIDE = CLUE_FORM_AFTER_MAIL + 2,        /* a number is the last octet, but for one */
    CLUE_FORM_BEHIND,                              /* + what the last octet follows (8) */
    CLUE_FORM_NAME = CLUE_FORM_BEHIND + 8,         /* a chosen label before that of the address */
    CLUE_FORM_WORD,                                /* part of the address, with a word of access */
    CLUE_FORM_ALONE,                               /* nothing else in the host part */
    CLUE_FORM_FIRST,                               /* the address opens the name */
    CLUE_NOADDR,                                   /* no address given */
    CLUE_V6,                                       /* the client is IPv6 */
    CLUE_BARE,                                     /* the name is a registrable domain */
    CLUE_PLAIN,                                    /* no digit in the host part */
    CLUE_WORD,                                     /* + class: in a leading label */
    CLUE_WORD_NUM = CLUE_WORD + WORD_CLASSES,      /* + class: joined to a number */
    CLUE_WORD_REST = CLUE_WORD_NUM + WORD_CLASSES, /* + class: in a later label */
    CLUE_PART = CLUE_WORD_REST + WORD_CLASSES,     /* + access, machine, mail inside a word */
    CLUE_PART_NUM = CLUE_PART + 3,                 /* the same, joined to a number */
    CLUE_ORG_NET = CLUE_PART_NUM + 3,              /* domain speaks of access */
    CLUE_ORG_HOST,                                 /* domain speaks of hosting */
    CLUE_ORG_MAIL,                                 /* domain speaks of mail */
    CLUE_ALL_LINE,                    /* nothing but words of lines, blocks and gaps, no number */
    CLUE_FIRST_EMPTY,                 /* nothing but placeholders in the first label */
    CLUE_FIRST_LINE,                  /* the same, of the first label */
    CLUE_ALL_LINE_NUM,                /* nothing but such words and numbers */
    CLUE_NEGATION,                    /* no, not, un... with a word of naming */
    CLUE_UNKNOWN,                     /* a word of four letters and more that is in no class */
    CLUE_UNKNOWN_FIRST,               /* the same, in the first label */
    CLUE_SERIAL,                      /* up to four letters and three digits or more alone */
    CLUE_SERIAL_REST,                 /* of a later label: two letters and four digits or more */
    CLUE_UNIT,                        /* site and unit: abc-d123 */
    CLUE_ZEROS,                       /* a small number with two zeros before it, not of a line */
    CLUE_SERIAL_HOST,                 /* the same, domain speaks of hosting */
    CLUE_TOKENS,                      /* + 0..4 runs of digits */
    CLUE_DIGITS = CLUE_TOKENS + 5,    /* + longest run 1..7 */
    CLUE_LABELS = CLUE_DIGITS + 8,    /* + labels of the host part 1..5 */
    CLUE_LONG = CLUE_LABELS + 6,      /* + length of the first label / 6 */
    CLUE_DIGIT_FIRST = CLUE_LONG + 6, /* name begins with a digit */
    CLUE_DIGIT_ONLY,                  /* first label is a number */
    CLUE_LETTER_END,                  /* first label ends in a letter */
    CLUE_HASH,                        /* letters and digits mixed at length */
    CLUE_HEX,                         /* long hexadecimal run */
    CLUE_OPAQUE_MAIL,                 /* one of the two, beside words of mail */
    CLUE_NO_VOWEL,                    /* letters nobody can pronounce */
    CLUE_NUMBER, /* + 6 * what it follows (8) + digits 1..6, first label, not of the address */
    CLUE_SCHEME = CLUE_NUMBER + 48, /* + trace, first label and domain, see set_scheme */
    CLUE_COUNT = CLUE_SCHEME + SCHEME_TRACES * SCHEME_LABELS * SCHEME_OWNERS
};

/* Slots of the letter groups: those of the host part, and behind them those of the domain. */
#define HOST_GRAMS   (1u << 13)
#define DOMAIN_GRAMS (1u << 12)
#define GRAM_SLOTS   (HOST_GRAMS + DOMAIN_GRAMS)
#define GRAM_MAX     (2 * DNAME_TEXT_MAX)

struct evidence {
    struct trace trace;
    uint32_t words;            /* classes in the first label */
    uint32_t words_num;        /* classes joined to a number */
    uint32_t words_rest;       /* classes in later labels of the host part */
    uint32_t parts;            /* PART_... / PART_ACCESS of the host part */
    uint8_t key[WORD_CLASSES]; /* a token of each class, counted from 1; 0: none */
    bool clue[CLUE_COUNT];
    uint16_t non, on[CLUE_COUNT]; /* the clues that apply */
    uint16_t ngram, ngram_host;   /* all groups; those of the host part, which come first */
    uint16_t gram[GRAM_MAX]; /* slots; of the host part group i begins at folded[i / 2] and has 2 +
                                i % 2 characters */
    char folded[DNAME_TEXT_MAX + 2];
};

/* The weights of the model, in 1/256. Generated. */
struct weights {
    int16_t margin; /* the least score of a default name that shows less than two octets */
    int16_t clue[CLUE_COUNT];
    int8_t gram[GRAM_SLOTS];
};
#define GRAM_SCALE 4 /* one unit of gram is this much in 1/256 */

extern const struct weights shape_weights;

void view_make(struct view *v, const struct dname *name);

/* The strongest trace of a in v. ADDR_NONE leaves FORM_NONE. */
void trace_find(struct trace *t, const struct view *v, const struct addr *a);
void trace_find_v4(struct trace *t, const struct view *v, const uint8_t octet[4]);
void trace_find_v6(struct trace *t, const struct view *v, const uint8_t octet[16]);
void trace_take(struct trace *t, const struct view *v, enum form form, size_t at, size_t len);

/* The trace is written in hexadecimal, so letters are part of it. */
bool trace_is_hex(const struct trace *t);

/* Hexadecimal values of the letters and digits of the name, separators left out, and where
 * each stood. A letter past f is 16, which no octet is made of. */
struct stripped {
    uint8_t value[DNAME_TEXT_MAX], at[DNAME_TEXT_MAX];
    size_t len;
};
void trace_strip(struct stripped *s, const struct view *v);

/* Classes of the word s[0..n), 0 for none. */
uint32_t word_class(const char *s, size_t n);

/* What the first label of a domain says of its owner, a set. */
enum { ORG_ACCESS = 1, ORG_HOSTING = 2, ORG_MAIL = 4 };
/* What a part of a word says that is not in the lists: xdsl7, smtpgw, vpsnode. */
enum { PART_ACCESS = 8, PART_MACHINE = 16, PART_MAIL = 32 };
/* All that the stems in s[0..n) say. */
uint32_t stem_class(const char *s, size_t n);

/* What the script `tables` makes of words.txt, senders.txt and suffixes.txt: sorted by octets.
 * Stems that begin with letter i of the alphabet are list[at[i]] to list[at[i + 1] - 1]; words that
 * begin with letters i and k, the same at 26 * i + k. */
#define WORD_MAX 15
struct word {
    char text[WORD_MAX]; /* NUL-terminated if shorter */
    uint8_t classes;
};
struct stem {
    const char *text;
    uint8_t len, orgs;
};
struct sender {
    const char *domain, *below; /* below: "", or only hosts in this zone of the domain count */
};
extern const struct word shape_words[];
extern const struct stem shape_stems[];
extern const uint16_t shape_words_at[26 * 26 + 1], shape_stems_at[27];
extern const uint32_t shape_stems_second[26]; /* letters, one bit each */
extern const struct sender shape_senders[];
extern const size_t shape_senders_count;
extern const struct suffixes {
    size_t n;
    const char (*row)[8];
} shape_top, shape_two, shape_brief, shape_longer;

/* The name lies below a well-known zone of numbered senders. */
bool sender_known(const struct view *v);

/* The name follows a scheme that a well-known sender uses in any domain. */
bool sender_scheme(const struct view *v);

void evidence_collect(struct evidence *e, const struct view *v, const struct addr *client);
/* The letter groups, once the trace is found. */
void groups_collect(struct evidence *e, const struct view *v);

/* The group of three characters that weighs most for a default name (sign 1) or against it (-1):
 * the first of several; 0 if none does. */
size_t groups_best(const struct evidence *e, const struct weights *w, int32_t sign);

/* Where group i begins, in the folded host part or in the name. */
const char *groups_text(const struct evidence *e, const struct view *v, size_t i);

/* The sum of all weights, and the part of the letter groups in it. */
int32_t evidence_score(const struct evidence *e, const struct weights *w);
int32_t evidence_groups(const struct evidence *e, const struct weights *w);

/* With this score the name is a default one: it is above zero, and above the margin where less than
 * two octets of the address show. A registrable domain is none then, whatever the score. */
bool evidence_generic(const struct evidence *e, const struct weights *w, int32_t score);

/* The name is an outbound host of a well-known sender, not a line or server
 * of a customer in its domain. */
bool evidence_sender(const struct evidence *e, const struct view *v);

/* Appends the reasons for the verdict to why; never nothing. machine: it is a default name. */
void evidence_explain(struct sbuf *why, const struct evidence *e, const struct view *v,
                      const struct addr *client, bool machine, int32_t score);

#endif
