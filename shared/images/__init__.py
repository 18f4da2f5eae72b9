"""Picture rules, the one place: check, decode, orient, resize, advise, and draw the evidence map."""
