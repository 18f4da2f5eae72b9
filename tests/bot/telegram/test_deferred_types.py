import json
import subprocess
import sys
from typing import Final

#: In a process of its own, since a type is built only once. Methods and updates have nearly all of Telegram's types.
SCRIPT: Final = """
import json
import sys

import bot
from aiogram import methods, types

models = [model for model in map(vars(types).get, types.__all__) if hasattr(model, "model_rebuild")]
built_by_the_import = sum(model.__pydantic_complete__ for model in models)
update = methods.Response[list[types.Update]].model_validate_json(sys.argv[1])
for name in methods.__all__:
    getattr(methods, name).model_rebuild()
print(json.dumps([built_by_the_import / len(models), update.model_dump(mode="json", exclude_none=True)]))
"""

CHAT: Final = {"id": 5, "type": "private", "first_name": "Ada"}
PHOTO: Final = {"file_id": "a", "file_unique_id": "b", "width": 640, "height": 480}
MESSAGE: Final = {"message_id": 1, "date": 1767225600, "chat": CHAT, "photo": [PHOTO]}
RESPONSE: Final = {
    "ok": True,
    "result": [{"update_id": 1, "message": {**MESSAGE, "message_id": 2, "reply_to_message": MESSAGE}}],
}


def test_import_of_the_bot_builds_few_of_telegrams_types_and_each_is_built_at_its_first_use() -> None:
    command = [sys.executable, "-c", SCRIPT, json.dumps(RESPONSE)]
    built_by_the_import, response = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    assert built_by_the_import < 0.1
    assert response == RESPONSE
