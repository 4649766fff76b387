"""What the daemon logged, judged again from the log alone: each decision line of a test file's
daemons, replayed with --no-dns, must give the action that the line tells.

Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE.
"""
import json
import os
import re
import subprocess

import harness
import netns

HELOS = 8  # of one address that replay tells apart
MATTERS = ("client", "ptr", "helo", "findings", "rule", "action", "mode", "stage")
LISTS = ("refused_but_delivered", "refused_anyway", "put_off", "tagged")


def is_decision(line):
    """A client behind a trusted relay sent nothing itself: replay counts the relay."""
    return "client=" in line and " action=" in line and " relay=" not in line and " client=-" not in line and \
        " stage=trial" not in line


def decisions(daemons):
    """{configurations: decisions}: each decision once, as (fields, line), and how many lines there were. After a reload a line
    may be of either configuration: a session ends by the one that it began with."""
    found, count = {}, 0
    for daemon in daemons:
        log, history, before = daemon.log(), daemon.history, None
        for n, (text, start) in enumerate(history):
            end = history[n + 1][1] if n + 1 < len(history) else len(log)
            told = found.setdefault((text,) if before is None else (text, before), {})
            if "reload failed" not in log[start:end]:
                before = text
            for line in filter(is_decision, log[start:end].split("\n")):
                fields = harness.read_fields(line)
                told.setdefault(tuple(fields.get(key) for key in MATTERS), (fields, line))
                count += 1
    return {configs: list(told.values()) for configs, told in found.items() if told}, count


def rounds(told):
    """Groups in which each client and HELO is told of once, as replay keeps the last line only."""
    groups = []
    for fields, line in told:
        key = fields["client"], fields["helo"]
        for seen, group in groups:
            if key not in seen and sum(one[0] == key[0] for one in seen) < HELOS:
                break
        else:
            seen, group = set(), []
            groups.append((seen, group))
        seen.add(key)
        group.append((fields, line))
    return [group for _, group in groups]


def shown(helo):
    """A HELO as it is shown, without what showing it does: `-` is none, and of the mark of a cut the dots go with those of
    any name."""
    helo = (helo or "").rstrip(".") if (helo or "").endswith("\\...") else helo
    return "" if helo == "-" else re.sub(r"\\x([0-9a-f]{2})", lambda m: chr(int(m.group(1), 16)), helo or "")


def replayed(config, group):
    """{(client, HELO): (action, rule)} of those that are not accepted, by replay; None when the configuration has a fault."""
    base = os.path.join(netns.work_dir(), "recall")
    for name, text in ((".conf", config), (".log", "".join(line + "\n" for _, line in group))):
        with open(base + name, "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(text)
    done = subprocess.run([harness.program("iprev-check"), "replay", "-c", base + ".conf", "--no-dns", "--json", base + ".log"],
                          capture_output=True, timeout=60, check=False)
    if done.returncode == 78:
        return None
    if done.returncode:
        raise AssertionError("replay ended with %d: %s" % (done.returncode, done.stderr.decode("utf-8", "replace")))
    told = json.loads(done.stdout)
    return {(one["client"], shown(one["helo"])): (one["action"], one["rule"])
            for name in LISTS if name in told for one in told[name]["clients"]}


def agrees(fields, got):
    """Does the line tell the same? At the end of a message the daemon may hold back a refusal because it accepted a
    recipient before; and for a recipient that is exempt nothing is refused or held."""
    action, rule = got
    if fields.get("memory") == "unavailable":
        return True  # what was not known then is not known now
    if fields.get("memory") == "passed":
        return (action, rule) == ("greylist", fields["rule"])
    if fields["rule"] == "exempt.recipients" and action == "quarantine":
        return True
    if fields["rule"] == "exempt.recipients" or (fields["rule"], fields.get("stage")) == ("-", "eom"):
        return action in ("accept", "reject", "tempfail")
    return action == fields["action"] and (action == "accept" or rule == fields["rule"])  # of the accepted no rule is shown


def check(daemons):
    """(lines, faults) of all decisions of these daemons."""
    found, count = decisions(daemons)
    faults = []
    for configs, told in found.items():
        for group in rounds(told):
            known = [got for got in (replayed(config, group) for config in configs) if got is not None]
            if not known:
                faults.append("no configuration for: " + group[0][1])
            for fields, line in group:
                key = fields["client"], shown(fields["helo"])
                seen = [got.get(key, ("accept", None)) for got in known]
                if known and not any(agrees(fields, one) for one in seen):
                    faults.append("%s, but replayed: %s" % (line, seen))
    return count, faults
