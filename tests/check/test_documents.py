"""The manual and the completion name every option, and the manual every JSON member.

Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE.
"""
import os
import re
import shutil
import subprocess

from checker import LOGS, PROGRAM, SRC, Skip, World, has, holds, same

MANUAL = os.path.join(SRC, "man", "iprev-check.1")
COMPLETION = os.path.join(SRC, "completions", "iprev-check.bash")


def options():
    text = open(os.path.join(SRC, "check", "main.c")).read()
    names = re.findall(r'\{"([a-z-]+)", (?:no|required)_argument', text)
    holds(len(names) > 10, names)
    return names


def test_options_everywhere():
    manual, completion = open(MANUAL).read(), open(COMPLETION).read()
    usage = subprocess.run([PROGRAM, "--help"], capture_output=True, text=True, check=True).stdout
    for name in options():
        has(manual, "Fl -" + name)
        has(completion, "--" + name)
        if name not in ("config", "zone", "server"):
            has(usage, "--" + name)


def test_manual_names_json_members():
    words = set(re.findall(r"[a-z_-]+", " ".join(re.findall(r"^\.(?:It )?Cm (.*)$", open(MANUAL).read(), re.M))))
    with World() as w:
        _, one, _ = w.json("192.0.2.11", "a.example")
        _, host, _ = w.json("two.good.example")
        _, report, _ = w.replay_json("--against", w.config, os.path.join(LOGS, "postfix.log"))
    known = set(one) | set(host) | set(report) | set(report["log"]) | set(report["refused_anyway"]["clients"][0])
    known |= set(one["questions"][0]) | {k for link in one["links"] for k in link} | set(report["actions"]["reject"])
    same(sorted(known - words), [])


def test_manual_is_clean():
    if not shutil.which("mandoc"):
        raise Skip("no mandoc here")
    done = subprocess.run(["mandoc", "-Tlint", "-Wwarning", MANUAL], capture_output=True, text=True)
    same(done.stdout, "")


def complete(*words):
    script = ('source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _iprev_check; printf "%s\\n" "${COMPREPLY[@]}"')
    done = subprocess.run(["bash", "-c", script, COMPLETION, *words], capture_output=True, text=True, check=True, cwd=LOGS)
    return set(done.stdout.split())


def test_completion():
    if not shutil.which("bash"):
        raise Skip("no bash here")
    same(complete("iprev-check", "--b"), {"--batch"})
    same(complete("iprev-check", "re") >= {"replay"}, True)
    same(complete("iprev-check", "replay", "--"), {"--config", "--zone", "--server", "--json", "--version", "--help", "--html",
                                                   "--against", "--no-dns", "--top"})
    same(complete("iprev-check", "replay", "postfix"), {"postfix.log", "postfix-iso.log"})
    same(complete("iprev-check", "-c", "own"), {"own.log"})
