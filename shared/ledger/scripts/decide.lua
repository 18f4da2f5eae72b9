#!lua flags=allow-oom
-- received, ready or claimed -> decided. ARGV: (id, decision, '1' if it is a dead letter) triples.
-- Returns 1 for each decision that was written, 0 if the job has an earlier one or does not exist.
local now, written = clock(), {}
for i = 1, #ARGV, 3 do
  written[#written + 1] = decide(ARGV[i], ARGV[i + 1], ARGV[i + 2] == '1', now)
end
return written
