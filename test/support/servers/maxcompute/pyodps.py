"""Reads and writes tables with the official client, one JSON command per line on stdin and one JSON answer per line on stdout.

Values are spelled as the test server shows them: dates and instants in ISO 8601 and UTC, decimals as text, binary in
base64, maps as lists of pairs, JSON as text, and numbers that are not finite as text.
"""

import base64
import datetime
import decimal
import json
import math
import re
import sys
from collections.abc import Mapping

import pandas
from odps import ODPS, errors, options, types
from odps.models import TableSchema
from odps.tunnel import CompressOption, TableTunnel

UTC = datetime.timezone.utc
EPOCH = datetime.datetime(1970, 1, 1)

options.local_timezone = False
options.allow_antique_date = True
options.struct_as_dict = True
options.map_as_ordered_dict = True
options.struct_as_ordered_dict = True
options.tunnel.require_stream_footer = True
options.retry_times = 1
options.verbose = False


def show(kind, value):
    if value is None:
        return None
    if isinstance(kind, types.Array):
        return [show(kind.value_type, inner) for inner in value]
    if isinstance(kind, types.Map):
        return [[show(kind.key_type, key), show(kind.value_type, inner)] for key, inner in value.items()]
    if isinstance(kind, types.Struct):
        members = value if isinstance(value, Mapping) else dict(zip(kind.field_types, value))
        return {name: show(inner, members[name]) for name, inner in kind.field_types.items()}
    if isinstance(kind, types.Decimal):
        return format(decimal.Decimal(text(value)), "f")
    name = kind.name
    if name == "binary":
        return base64.b64encode(value if isinstance(value, bytes) else value.encode()).decode()
    if name == "json":
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    if name == "date":
        return f"{value.year:04}-{value.month:02}-{value.day:02}"
    if name == "datetime":
        # Of years before 1000 strftime leaves out zeros.
        return naive(value).isoformat(timespec="milliseconds") + "Z"
    if name in ("timestamp", "timestamp_ntz"):
        moment = pandas.Timestamp(value)
        moment = moment if moment.tzinfo is None else moment.tz_convert("UTC").tz_localize(None)
        return moment.isoformat(timespec="nanoseconds") + ("Z" if name == "timestamp" else "")
    if name in ("float", "double") and not math.isfinite(value):
        return {"inf": "Infinity", "-inf": "-Infinity", "nan": "NaN"}[str(float(value))]
    if isinstance(value, bytes):
        return value.decode()
    return value


def read(kind, value):
    if value is None:
        return None
    if isinstance(kind, types.Array):
        return [read(kind.value_type, inner) for inner in value]
    if isinstance(kind, types.Map):
        return {read(kind.key_type, key): read(kind.value_type, inner) for key, inner in value}
    if isinstance(kind, types.Struct):
        return {name: read(inner, value[name]) for name, inner in kind.field_types.items()}
    if isinstance(kind, types.Decimal):
        return decimal.Decimal(value)
    name = kind.name
    if name == "binary":
        return base64.b64decode(value)
    if name == "json":
        return json.loads(value)
    if name == "date":
        return datetime.date.fromisoformat(value)
    if name == "datetime":
        return datetime.datetime.fromisoformat(value.removesuffix("Z")).replace(tzinfo=UTC)
    if name == "timestamp":
        return pandas.Timestamp(value.removesuffix("Z"), tz="UTC")
    if name == "timestamp_ntz":
        return pandas.Timestamp(value)
    if name in ("float", "double"):
        return float(value)
    return value


def naive(moment):
    return moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)


def text(value):
    return value.decode() if isinstance(value, bytes) else str(value)


def compression(name):
    algorithms = CompressOption.CompressAlgorithm
    return None if name is None else CompressOption({"zlib": algorithms.ODPS_ZLIB, "zstd": algorithms.ODPS_ZSTD}[name], 1, 0)


def read_table(client, command):
    table = client.get_table(command["table"], schema=command.get("schema"))
    keys = [key.name for key in table.table_schema.partitions]
    specs = [command["partition"]] if command.get("partition") else [str(found.partition_spec) for found in table.partitions] if keys else [None]
    rows = []
    for spec in specs:
        session = TableTunnel(client).create_download_session(table, partition_spec=spec, compress_option=compression(command.get("compression")))
        with session.open_record_reader(0, session.count, compress=command.get("compression") is not None) as reader:
            for record in reader:
                columns = session.schema.simple_columns
                row = {column.name: show(column.type, record[column.name]) for column in columns}
                rows.append({**row, **dict(types.PartitionSpec(spec).kv if spec else {})})
    return {"rows": rows}


def write_table(client, command):
    table = client.get_table(command["table"], schema=command.get("schema"))
    spec, blocks, compress = command.get("partition"), command.get("blocks"), command.get("compression")
    if spec and command.get("createPartition"):
        table.create_partition(spec, if_not_exists=True)
    tunnel = TableTunnel(client)
    make = tunnel.create_stream_upload_session if command.get("upload") == "stream" else tunnel.create_upload_session
    session = make(table, partition_spec=spec, compress_option=compression(compress))
    records = [session.new_record([read(column.type, row.get(column.name)) for column in session.schema.simple_columns]) for row in command["rows"]]
    if command.get("upload") == "stream":
        with session.open_record_writer(compress=compress is not None) as writer:
            for record in records:
                writer.write(record)
        return {}
    pieces = [records[at :: blocks or 1] for at in range(blocks or 1)]
    for block, piece in enumerate(pieces):
        with session.open_record_writer(block, compress=compress is not None) as writer:
            for record in piece:
                writer.write(record)
    session.commit(list(range(len(pieces))))
    return {}


def create_table(client, command):
    columns = [types.Column(name=name, type=kind) for name, kind in command["columns"].items()]
    keys = [types.Partition(name=name, type=kind) for name, kind in command.get("partitionedBy", {}).items()]
    client.create_table(command["table"], TableSchema(columns=columns, partitions=keys), if_not_exists=True)
    return {}


def describe_table(client, command):
    schema = client.get_table(command["table"], schema=command.get("schema")).table_schema
    return {
        "columns": {column.name: str(column.type) for column in schema.simple_columns},
        "partitionedBy": {key.name: str(key.type) for key in schema.partitions},
    }


commands = {"read": read_table, "write": write_table, "create": create_table, "describe": describe_table}


def answer(line):
    command = json.loads(line)
    connection = command["connection"]
    client = ODPS(
        connection["accessId"],
        connection["accessKey"],
        project=connection["project"],
        endpoint=connection["endpoint"],
        region_name=connection.get("region"),
    )
    if connection.get("quota"):
        options.tunnel.quota_name = connection["quota"]
    return commands[command["do"]](client, command)


def main():
    for line in sys.stdin:
        try:
            result = answer(line)
        except Exception as error:  # noqa: BLE001
            code = getattr(error, "code", None)
            result = {"error": f"{type(error).__name__}: {re.sub(r'[0-9A-F]{32}', '', str(error))}", **({"code": code} if code else {})}
        print(json.dumps(result, ensure_ascii=False), flush=True)


main()
