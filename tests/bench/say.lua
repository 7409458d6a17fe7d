-- SPDX-License-Identifier: Apache-2.0
-- SPDX-FileCopyrightText: The mod_chatsession authors
--
-- wrk -s say.lua URL -- FILE: a message into each conversation in turn. FILE has a line for each, COOKIE TAB ID.
dofile(debug.getinfo(1, "S").source:match("@(.*/)") .. "count.lua")
local heads, at, n = {}, 0, 0
local text = "Please explain how a lighthouse keeps ships away from the rocks, and why its lens is built of rings " ..
  "rather than of one thick piece of glass."
function init(arguments)
  math.randomseed(os.time())
  n = math.random(0, 0xffff) * 0x10000
  for line in io.lines(arguments[1]) do
    local cookie, id = line:match("^([^\t]*)\t(.*)$")
    heads[#heads + 1] = { path = "/chat/api/conversations/" .. id .. "/messages", cookie = cookie }
  end
end
function request()
  at = at % #heads + 1
  n = n + 1
  return wrk.format("POST", heads[at].path,
    { ["Cookie"] = heads[at].cookie, ["Content-Type"] = "application/json", ["Sec-Fetch-Site"] = "same-origin" },
    string.format('{"content":"%s","client_id":"%08x-%04x-4000-8000-%012x"}', text, n % 0x100000000, at % 0x10000, n))
end
