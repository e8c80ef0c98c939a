"""What became of the stages since an operation ran: whether it may still go on where it stopped."""

from collections.abc import Collection, Mapping, Sequence

ENGLISH = {"gone": "%s is gone", "new": "%s is new", "order": "the order was %s"}


def changes_since(
    before: Sequence[str] | None,
    now: Sequence[str],
    done: Collection[str],
    words: Mapping[str, str] = ENGLISH,
) -> list[str]:
    """Return what keeps an operation from being resumed with the stages there are now.

    Stages that were renamed, removed or put into another order do, and so does a new one before a
    stage that is done: what is done would stand for something else. New stages after the last done
    one do no harm.

    Args:
        before: the stages as they were when the run was claimed; None if that is not known.
        now: the stages of the class as it is.
        done: the stages that a resume would pass by.
        words: what to say, as in ``ENGLISH``, in the language of whoever reads it.

    Returns:
        Parts of a sentence, such as ``"'Save' is gone"``; empty if nothing does.
    """
    if before is None:
        return [words["gone"] % repr(name) for name in done if name not in now]
    found = [words["gone"] % repr(name) for name in before if name not in now]
    last_done = max((place for place, name in enumerate(now) if name in done), default=-1)
    # Where one is gone, any new one may be the same under another name, and is named.
    searched = now if found else now[: last_done + 1]
    found += [words["new"] % repr(name) for name in searched if name not in before]
    stayed = [name for name in now if name in before]
    in_order = [name for name in before if name in now]
    if stayed != in_order:
        found.append(words["order"] % ", ".join(map(repr, in_order)))
    return found
