"""What moves photographs and notes on: loops over the ledger's stages. Any replica runs any of them."""
