#!lua flags=allow-oom
-- received, ready or claimed -> decided. ARGV: (id, decision, '1' if it is a dead letter) triples.
-- Returns 1 for each decision that stands, 0 where an earlier one does or the job is gone.
local now, stands = clock(), {}
for i = 1, #ARGV, 3 do
  stands[#stands + 1] = decide(ARGV[i], ARGV[i + 1], ARGV[i + 2] == '1', now)
end
return stands
