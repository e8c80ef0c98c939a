"""Operations whose whole output in a terminal is compared with files; an app of its own."""
