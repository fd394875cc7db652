"""A persistent volume as the API asks for it. Pure."""

from __future__ import annotations

from atendeai_operator.api import quantity
from atendeai_operator.api.schema import ApiModel, Bytes, ObjectName, Transition


class Storage(ApiModel):
    """A persistent volume."""

    TRANSITIONS = (
        Transition(
            "!isQuantity(self.size) || quantity(self.size).compareTo(quantity(oldSelf.size)) >= 0",
            "storage size must not shrink",
            lambda old, new: quantity.parse(new.size) >= quantity.parse(old.size),
        ),
        Transition(
            "has(self.className) == has(oldSelf.className)"
            " && (!has(self.className) || self.className == oldSelf.className)",
            "storage className is immutable",
            lambda old, new: old.class_name == new.class_name,
        ),
    )

    size: Bytes = "8Gi"
    """Size of the volume; it may grow, where its storage class allows that."""
    class_name: ObjectName | None = None
    """StorageClass; absent means the cluster's default."""
