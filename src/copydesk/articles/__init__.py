"""What an article is to copydesk, whatever format it comes in: from the neutral form to the shape of the contract."""
