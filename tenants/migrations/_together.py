"""Many new tables in one operation."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.models import Model


class CreateTogether(Operation):
    """Create the tables that the operations describe, as they are after the last of them.

    Run one after the other, each operation builds every model anew that is related to its own, and on SQLite
    the table with it: with some hundred of them a first start took longer than everything else together.
    """

    reduces_to_sql = True
    serialization_expand_args = ["operations"]

    def __init__(self, operations: Sequence[Operation]) -> None:
        self.operations = operations

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        state.clear_delayed_apps_cache()
        state.__dict__.pop("apps", None)  # else each operation builds the models of the state anew
        for operation in self.operations:
            operation.state_forwards(app_label, state)

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        for model in self._new(app_label, schema_editor, from_state, to_state):
            schema_editor.create_model(model)

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        for model in reversed(self._new(app_label, schema_editor, to_state, from_state)):
            schema_editor.delete_model(model)

    def _new(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        without: ProjectState,
        having: ProjectState,
    ) -> list[type[Model]]:
        return [
            model
            for model in having.apps.get_app_config(app_label).get_models()
            if (app_label, model._meta.model_name) not in without.models
            and self.allow_migrate_model(schema_editor.connection.alias, model)
        ]

    def describe(self) -> str:
        return f"Create the first tables, by {len(self.operations)} operations together"
