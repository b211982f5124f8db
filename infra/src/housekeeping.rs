//! Sweeping: rows that nobody needs any more, once an hour. What a message leaves behind is its own room's business.
