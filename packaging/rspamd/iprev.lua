-- rspamd rules on what iprev-milter found out about the client: iprev.lua
--
-- Copy to /etc/rspamd and load it from /etc/rspamd/rspamd.local.lua:
--   dofile('/etc/rspamd/iprev.lua')
-- Scores can be changed in local.d/groups.conf; README.md beside this file says how.
--
-- Which field counts. Only the topmost X-IPRev is read: the daemon puts its own on top and
-- removes those that senders wrote (headers.remove-forged). It is used only when it names the
-- client that rspamd sees. While the daemon is down, senders can write what they like, so no
-- symbol here takes points away, and a forged field gains nothing.
--
-- The scores are a start: no symbol, and no two together, reach the usual 6 for a spam header.
-- RDNS_NONE and the HFILTER_ symbols of rspamd often hit the same clients.
--
-- Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE.

local rspamd_ip = require "rspamd_ip"

local GROUP = 'iprev'

-- Symbol, score, and what it tells.
local SYMBOLS = {
  { 'IPREV_PASS', 0.0, 'Reverse DNS of the client is confirmed' },
  { 'IPREV_FAIL', 1.0, 'No PTR name resolves back to the client' },
  { 'IPREV_PERMERROR', 1.0, 'The client has no PTR record' },
  { 'IPREV_TEMPERROR', 0.0, 'Reverse DNS could not be checked in time' },
  { 'IPREV_PTR_GENERIC', 0.3, 'PTR name looks machine-made; HELO is its own' },
  { 'IPREV_BOTLIKE', 2.0, 'PTR name looks machine-made; HELO is not its own' },
  { 'IPREV_HELO_SELF', 2.0, 'HELO claims to be this server' },
  { 'IPREV_HELO_BAD', 1.0, 'HELO is neither a host name nor the client\'s address literal' },
  { 'IPREV_HELO_UNRESOLVED', 0.5, 'HELO name has no address' },
  { 'IPREV_HELO_MISMATCH', 0.1, 'HELO name is unrelated to the client' },
  { 'IPREV_OTHER_CLIENT', 0.0, 'X-IPRev names another client and is not used' },
}

local RESULTS = {
  pass = 'IPREV_PASS',
  fail = 'IPREV_FAIL',
  permerror = 'IPREV_PERMERROR',
  temperror = 'IPREV_TEMPERROR',
}

-- Findings that are a symbol by themselves.
local FINDINGS = {
  ['helo-self'] = 'IPREV_HELO_SELF',
  ['helo-invalid'] = 'IPREV_HELO_BAD',
  ['helo-missing'] = 'IPREV_HELO_BAD',
  ['helo-bare-address'] = 'IPREV_HELO_BAD',
  ['helo-unqualified'] = 'IPREV_HELO_BAD',
  ['helo-literal-mismatch'] = 'IPREV_HELO_BAD',
  ['helo-unresolved'] = 'IPREV_HELO_UNRESOLVED',
  ['helo-mismatch'] = 'IPREV_HELO_MISMATCH',
}

-- "fail; ip=192.0.2.1; findings=a,b; ..." as result, fields; nil when it is something else.
local function read_field(value)
  local result, rest = value:match('^%s*(%l+);(.*)$')
  if not result or not RESULTS[result] then
    return nil
  end
  local fields = {}
  for key, text in rest:gmatch('([%l-]+)=([^;%s]*)') do
    fields[key] = fields[key] or text
  end
  return result, fields
end

-- Does the field name the client that rspamd sees? Yes, when rspamd sees none. The texts are
-- compared: behind Postfix the address has a port, and `==` compares that as well.
local function same_client(task, fields)
  local client = task:get_from_ip()
  local said = rspamd_ip.from_string(fields.ip or '')
  if not client or not client:is_valid() then
    return true
  end
  return said and said:is_valid() and said:to_string() == client:to_string()
end

local function check(task)
  local headers = task:get_header_full('X-IPRev')
  if not headers or not headers[1] then
    return
  end
  local result, fields = read_field(headers[1].decoded or headers[1].value or '')
  if not result then
    return
  end
  if not same_client(task, fields) then
    task:insert_result('IPREV_OTHER_CLIENT', 1.0)
    return
  end

  local found, cause = {}, nil
  for word in (fields.findings or ''):gmatch('[^,]+') do
    found[word] = true
    if FINDINGS[word] then
      task:insert_result(FINDINGS[word], 1.0, word)
    end
    -- The cause follows the result.
    cause = cause or (word:match('^ptr%-[mil]') or word:match('^forward%-') or word:match('^dns%-')) and word
  end
  task:insert_result(RESULTS[result], 1.0, result ~= 'pass' and cause or fields.ptr)
  if found['ptr-generic'] then
    local own = found['helo-verified'] or found['helo-forward']
    task:insert_result(own and 'IPREV_PTR_GENERIC' or 'IPREV_BOTLIKE', 1.0, fields.ptr)
  end
end

local parent = rspamd_config:register_symbol({
  name = 'IPREV_CHECK',
  type = 'callback',
  callback = check,
  group = GROUP,
})

for _, row in ipairs(SYMBOLS) do
  rspamd_config:register_symbol({
    name = row[1],
    type = 'virtual',
    parent = parent,
    group = GROUP,
    score = row[2],
    description = row[3],
  })
end
