"""Which subjects asked about which objects, so that an answer that changes asks them again."""

import asyncio
from collections.abc import Collection, Iterator

from berth.engine.key import Key
from berth.engine.store import Record, Store
from berth.plan.outcome import Json
from berth.resources import Resource

Question = tuple[Resource, str, str, str]
"""(kind, how it was asked, namespace, name or value)."""

ONE = "one"
GROUP = "group"
GROUPS = "groups"
EVERY = "every"


class Tracked:
    """A plan's view of the store that notes each question."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.questions: set[Question] = set()

    def one(self, resource: Resource, name: str, namespace: str = "") -> Json | None:
        self.questions.add((resource, ONE, namespace, name))
        record = self._store.get(Key(resource, namespace, name))
        return record.body() if record is not None else None

    def group(self, resource: Resource, value: str, namespace: str = "") -> tuple[Json, ...]:
        self.questions.add((resource, GROUP, namespace, value))
        found = self._store.in_group(resource, namespace, value)
        return tuple(record.body() for record in sorted(found, key=_by_name))

    def groups(self, resource: Resource, namespace: str = "") -> tuple[str, ...]:
        self.questions.add((resource, GROUPS, namespace, ""))
        return self._store.groups(resource, namespace)

    def every(self, resource: Resource) -> tuple[Json, ...]:
        self.questions.add((resource, EVERY, "", ""))
        return tuple(record.body() for record in sorted(self._store.of_kind(resource), key=_by_name))


class Interests:
    """The questions of the last plan of each subject."""

    def __init__(self) -> None:
        self._subjects: dict[Question, dict[Key, None]] = {}
        self._questions: dict[Key, tuple[Question, ...]] = {}
        self._news: dict[Resource, asyncio.Event] = {}

    def replace(self, subject: Key, questions: set[Question]) -> None:
        before = self._questions.get(subject, ())
        if set(before) == questions:
            return
        for question in before:
            if question not in questions:
                self._remove(question, subject)
        for question in questions:
            if question not in self._subjects:
                self._subjects[question] = {}
                if question[0] in self._news:
                    self._news[question[0]].set()
            self._subjects[question][subject] = None
        self._questions[subject] = tuple(questions)

    def news_of(self, resources: Collection[Resource]) -> asyncio.Event:
        """Set whenever somebody asks about something of these kinds that nobody asked about before."""
        event = asyncio.Event()
        self._news |= dict.fromkeys(resources, event)
        return event

    def asked_by_name(self, resources: Collection[Resource]) -> frozenset[Key]:
        """The objects of these kinds that somebody waits to hear of."""
        names = (one for one in self._subjects if one[0] in resources and one[1] == ONE)
        return frozenset(Key(resource, namespace, name) for resource, _, namespace, name in names)

    def drop(self, subject: Key) -> None:
        for question in self._questions.pop(subject, ()):
            self._remove(question, subject)

    def touched_by(self, before: Record | None, after: Record | None, store: Store) -> Iterator[tuple[Key, bool]]:
        """The subjects whose answers a change may alter; True beside those that asked about a whole kind."""
        key = (after or before or _none()).key
        was, now = (set(record.groups) if record is not None else set[str]() for record in (before, after))
        for group in was | now:
            yield from ((one, False) for one in self._asking((key.resource, GROUP, key.namespace, group)))
        # The store holds the change already: a group came with its first object, or went with its last.
        sizes = {group: len(store.in_group(key.resource, key.namespace, group)) for group in was ^ now}
        if any(size == (group in now) for group, size in sizes.items()):
            yield from ((one, False) for one in self._asking((key.resource, GROUPS, key.namespace, "")))
        yield from ((one, False) for one in self._asking((key.resource, ONE, key.namespace, key.name)))
        yield from ((one, True) for one in self._asking((key.resource, EVERY, "", "")))

    def __len__(self) -> int:
        return len(self._questions)

    def _asking(self, question: Question) -> tuple[Key, ...]:
        return tuple(self._subjects.get(question, ()))

    def _remove(self, question: Question, subject: Key) -> None:
        subjects = self._subjects.get(question)
        if subjects is not None:
            subjects.pop(subject, None)
            if not subjects:
                del self._subjects[question]


def _by_name(record: Record) -> tuple[str, str]:
    return (record.key.namespace, record.key.name)


def _none() -> Record:
    raise ValueError("a change has a record before it or after it")
