"""Reading: every function takes keywords, opens no transaction and changes nothing."""
