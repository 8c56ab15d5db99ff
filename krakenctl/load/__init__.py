"""From files to documents: the only reader of manifests. Nothing is understood here, and nothing outside is touched.

find_files      patterns → the manifests they mean
read_file       one file → its documents
read_manifests  patterns → all documents, with a digest over what was read
locate          places → lines and columns, worked out only when somebody asks
located         findings → the same with lines and columns
"""

from krakenctl.load.files import find_files
from krakenctl.load.locate import locate, located
from krakenctl.load.manifests import Manifests, Reading, read_file, read_manifests

__all__ = ["Manifests", "Reading", "find_files", "locate", "located", "read_file", "read_manifests"]
