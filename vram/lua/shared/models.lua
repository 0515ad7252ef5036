-- models: what the device's ledger remembers of a model. Read only for the models that matter: a
-- device that has seen a thousand is not slower.

local function record_from(text)
  if text then return cjson.decode(text) end
  return { frequency = 0, rent_ms = 0, aged_ms = 0, demand_ms = 0, lru_loads = 0,
    load_ms = 0, loads = 0, evictions = 0, failures = 0, not_before_ms = 0,
    keep = false, last = '' }
end

-- Reads the records of many models in one call.
local function fetch_models(book, names)
  local missing = {}
  for _, name in ipairs(names) do
    if not book.models[name] then table.insert(missing, name) end
  end
  if #missing == 0 then return end
  local texts = redis.call('HMGET', KEYS[3], unpack(missing))
  for i, name in ipairs(missing) do book.models[name] = record_from(texts[i]) end
end

local function model_of(book, name)
  if not book.models[name] then fetch_models(book, { name }) end
  return book.models[name]
end

local function keep_record(book, name) book.changed_models[name] = book.models[name] end

-- What is left of a value that halves every half_life_seconds. A clock that went back adds nothing.
local function faded(book, value, since_ms)
  local half_life = book.limits.half_life_seconds
  if book.now <= since_ms or half_life <= 0 then return value end
  return value * 2 ^ (-(book.now - since_ms) / (half_life * 1000))
end

-- A load has failed: leave the model alone for a while, twice as long each time.
local function back_off(book, name)
  local record, limits = model_of(book, name), book.limits
  record.failures = record.failures + 1
  -- 2^40 s is beyond every cap.
  local wait = limits.backoff_seconds * 2 ^ math.min(record.failures - 1, 40)
  record.not_before_ms = book.now + ms(math.min(wait, limits.backoff_cap_seconds))
  keep_record(book, name)
  count(book, 'load_failures')
end
