"""Whether lxml takes documents: one per line of the file that is the argument, in hex. Prints `ok` and what it reads, in hex,
or why not."""

import sys

from lxml import etree


def told(root):
    elements = [
        "".join([element.tag] + ["|%s=%s" % pair for pair in sorted(element.attrib.items())])
        for element in root.iter(etree.Element)
    ]
    return "".join(element + "\0" for element in elements) + root.xpath("string()").replace("\r", "\n")


for line in open(sys.argv[1], encoding="ascii"):
    try:
        root = etree.fromstring(bytes.fromhex(line), etree.XMLParser(resolve_entities=False, no_network=True))
        print("ok " + told(root).encode().hex())
    except etree.XMLSyntaxError as error:
        print(str(error).replace("\n", " "))
