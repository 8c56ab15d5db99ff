"""From documents to what is desired, and everything that is wrong on the way. Pure: no file, clock or environment.

shape    does a document look as its schema says? (the only user of jsonschema and jsonschema_rs)
sense    do all documents together mean something that can be done?
"""

from krakenctl.validate.sense import desired
from krakenctl.validate.workspace import workspace

__all__ = ["desired", "workspace"]
