"""Prints a CloudFormation template as JSON. FILE is its path, and `!Ref` becomes an object."""

import json
import sys

from samcli.yamlhelper import yaml_parse

with open(sys.argv[1], encoding="utf-8") as opened:
    print(json.dumps(yaml_parse(opened.read())))
