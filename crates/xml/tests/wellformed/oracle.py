"""Whether lxml takes documents: one per line of the file that is the argument, in hex. Prints `ok` or why not."""

import sys

from lxml import etree

for line in open(sys.argv[1], encoding="ascii"):
    try:
        etree.fromstring(bytes.fromhex(line), etree.XMLParser(resolve_entities=False, no_network=True))
        print("ok")
    except etree.XMLSyntaxError as error:
        print(str(error).replace("\n", " "))
