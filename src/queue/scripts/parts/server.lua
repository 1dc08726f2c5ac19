-- The process of Redis that runs this. After a restart or a failover it is another one,
-- and what it knows may be an old copy. '1' where INFO is not allowed: then only keys
-- that are gone tell.
local function server()
  local info = redis.pcall('INFO', 'server')
  return type(info) == 'string' and string.match(info, 'run_id:(%x+)') or '1'
end
