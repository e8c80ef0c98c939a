"""Operations that outlive what happens to processes, databases and Redis; on real engines."""
