"""Messages that the bot sends besides answers: their content, their order, and what users are told about bursts."""
