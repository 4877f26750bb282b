"""Model servers while they run: started, asked, watched, ended; endpoints and transform jobs use them."""
