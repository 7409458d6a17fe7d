-- SPDX-License-Identifier: Apache-2.0
-- SPDX-FileCopyrightText: The mod_chatsession authors
--
-- wrk -s get.lua URL -- FILE: GETs in turn. FILE has a line for each, COOKIE [TAB PATH].
dofile(debug.getinfo(1, "S").source:match("@(.*/)") .. "count.lua")
local requests, at = {}, 0
function init(arguments)
  for line in io.lines(arguments[1]) do
    local cookie, path = line:match("^([^\t]*)\t?(.*)$")
    requests[#requests + 1] = wrk.format("GET", path ~= "" and path or nil, { ["Cookie"] = cookie })
  end
end
function request()
  at = at % #requests + 1
  return requests[at]
end
