-- session_end_all(user, spared) -> { session id, ... }: those that were alive

return end_sessions(args[1], args[2])
