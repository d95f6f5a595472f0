-- What wrk sends: wrk -s load.lua URL -- MODE ROWS. The API key comes from BENCH_API_KEY.
-- Ids and bodies are made per request; each mode goes through the same request(), so that the generator costs alike.

local alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
local pairs_of = {}
for high = 1, 32 do
  for low = 1, 32 do
    pairs_of[#pairs_of + 1] = alphabet:sub(high, high) .. alphabet:sub(low, low)
  end
end

local threads = 0
local random = math.random
local sent = 0

-- Six characters of Crockford's base 32 for a number below 2^30.
local function six(number)
  local low = number % 1024
  local rest = (number - low) / 1024
  local middle = rest % 1024
  return pairs_of[(rest - middle) / 1024 + 1] .. pairs_of[middle + 1] .. pairs_of[low + 1]
end

local function head(method, path)
  return method .. " " .. path .. " HTTP/1.1\r\nHost: " .. wrk.host .. ":" .. wrk.port .. "\r\n"
end

local function authorized()
  return "Authorization: Bearer " .. os.getenv("BENCH_API_KEY") .. "\r\n"
end

local function fixed(path, headers)
  local text = head("GET", path) .. (headers or "") .. "\r\n"
  return function() return text end
end

-- A connection of the seeded store: seed.py makes ids of this form.
local function one_path(before, after, rows)
  local first = before .. "conn_" .. os.getenv("BENCH_ID_START")
  local last = os.getenv("BENCH_ID_END") .. after
  return function() return first .. six(random(0, rows - 1)) .. last end
end

local function get(rows)
  return one_path("GET /api/v1/connections/",
    " HTTP/1.1\r\nHost: " .. wrk.host .. ":" .. wrk.port .. "\r\n" .. authorized() .. "\r\n", rows)
end

-- The config is 100 bytes, and no two in a run are alike: a random part and a running number.
local function put(rows)
  local config_start = '{"team":"T'
  local config_end = '","channel":"general","purpose":"'
  config_end = config_end .. string.rep("x", 100 - 12 - #config_start - #config_end - 2) .. '"}'
  local length = #'{"config":' + 100 + #"}"
  local target = one_path("PUT /api/v1/connections/",
    " HTTP/1.1\r\nHost: " .. wrk.host .. ":" .. wrk.port .. "\r\n" .. authorized()
    .. "Content-Type: application/json\r\nContent-Length: " .. length .. "\r\n\r\n"
    .. '{"config":' .. config_start, rows)
  return function()
    sent = sent + 1
    return target() .. six(random(0, 2 ^ 30 - 1)) .. six(sent) .. config_end .. "}"
  end
end

-- One of the first connections in the file BENCH_IDS, which has an id a line.
local function one_of(before, after, rows)
  local requests = {}
  for id in io.lines(os.getenv("BENCH_IDS")) do
    if #requests == rows then break end
    requests[#requests + 1] = before .. id .. after
  end
  return function() return requests[random(#requests)] end
end

local function token(rows)
  return one_of("POST /api/v1/connections/", "/token HTTP/1.1\r\nHost: " .. wrk.host .. ":" .. wrk.port .. "\r\n"
    .. authorized() .. "Content-Length: 0\r\n\r\n", rows)
end

local function listed(rows)
  return one_of("GET /api/v1/connections/",
    " HTTP/1.1\r\nHost: " .. wrk.host .. ":" .. wrk.port .. "\r\n" .. authorized() .. "\r\n", rows)
end

local function page() return fixed("/api/v1/connections?limit=100", authorized()) end

local function mixed(rows)
  local all = { get(rows), put(rows), get(rows), put(rows), page() }
  local turn = 0
  return function()
    turn = turn % #all + 1
    return all[turn]()
  end
end

local modes = {
  nginx = function() return fixed("/") end,
  live = function() return fixed("/health/live") end,
  get = get,
  put = put,
  page = page,
  total = function() return fixed("/api/v1/connections?limit=1", authorized()) end,
  stats = function() return fixed("/api/v1/connections/stats", authorized()) end,
  mixed = mixed,
  token = token,
  listed = listed,
}

function setup(thread)
  threads = threads + 1
  thread:set("number", threads)
end

function init(args)
  math.randomseed(os.time() * 64 + number)
  sent = number * 2 ^ 24
  request = modes[args[1]](tonumber(args[2]))
end

-- One line for load.py to read.
function done(summary, latency)
  local errors = summary.errors
  print(string.format("result requests=%d microseconds=%d p50=%d p99=%d broken=%d refused=%d",
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    errors.connect + errors.read + errors.write + errors.timeout, errors.status))
end
