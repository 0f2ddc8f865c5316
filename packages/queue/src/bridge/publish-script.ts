/**
 * Adds events to a stream at their positions, as one step: a pipeline could lose one for good, which failed and was
 * overtaken by the next. What is in the stream already is passed over, if it is the same. Answers nothing, or why it
 * does not add: what stands there is not of this feed, and ids only ever grow.
 *
 * KEYS: the stream. ARGV: last position of the feed, entries to keep (0: all), then position, id, type and event of each.
 */
export const PUBLISH_SCRIPT = `
local stream = KEYS[1]
local top = 0
if redis.call('EXISTS', stream) == 1 then
  local info = redis.call('XINFO', 'STREAM', stream)
  for i = 1, #info, 2 do
    if info[i] == 'last-generated-id' then top = tonumber(string.match(info[i + 1], '^%d+')) end
  end
end
if top > tonumber(ARGV[1]) then return 'is ahead of the feed: it has entries of another feed' end

local function add(position, id, type, event)
  local fields = { 'event', event, 'type', type, 'id', id, 'cursor', position }
  if ARGV[2] == '0' then
    redis.call('XADD', stream, position .. '-0', unpack(fields))
  else
    redis.call('XADD', stream, 'MAXLEN', '~', ARGV[2], position .. '-0', unpack(fields))
  end
end

local function isOther(position, id)
  local held = redis.call('XRANGE', stream, position .. '-0', position .. '-0')[1]
  if not held then return false end
  for i = 1, #held[2], 2 do
    if held[2][i] == 'id' and held[2][i + 1] == id then return false end
  end
  return true
end

for i = 3, #ARGV, 4 do
  if tonumber(ARGV[i]) > top then
    add(ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3])
  elseif isOther(ARGV[i], ARGV[i + 1]) then
    return 'has another event at position ' .. ARGV[i] .. ' than the feed'
  end
end
return false
`
