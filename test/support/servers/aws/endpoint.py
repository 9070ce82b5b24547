"""An AWS endpoint for deployments: moto's server, which here also knows event source mappings of Kafka.

moto holds mappings of SQS, Kinesis and DynamoDB only, and its CloudFormation leaves out some properties of functions. What is added is
what the CloudFormation reference says of them. Invocations go to LAMBDA_RUNNER where that is set.
"""

import os
import sys
import urllib.request

from moto.awslambda import models
from moto.core.utils import iso_8601_datetime_with_nanoseconds
from moto.server import main

Mapping = models.EventSourceMapping
Backend = models.LambdaBackend
Function = models.LambdaFunction

SELF_MANAGED = "arn:aws:self-managed-kafka:::cluster"

# Kept as they were given, as moto's own model has no place for them.
EXTRA = [
    "AmazonManagedKafkaEventSourceConfig",
    "SelfManagedKafkaEventSourceConfig",
    "SelfManagedEventSource",
    "SourceAccessConfigurations",
    "Topics",
    "StartingPosition",
    "StartingPositionTimestamp",
    "ProvisionedPollerConfig",
    "FilterCriteria",
    "FunctionResponseTypes",
    "DestinationConfig",
    "MaximumRetryAttempts",
    "MaximumRecordAgeInSeconds",
    "BisectBatchOnFunctionError",
    "MetricsConfig",
    "LoggingConfig",
]
NUMBERS = ["MaximumRetryAttempts", "MaximumRecordAgeInSeconds", "StartingPositionTimestamp"]


def plain(value):
    """CloudFormation hands on numbers and booleans as text."""
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if value in ("true", "false"):
        return value == "true"
    return value


def is_kafka(spec):
    return bool(spec.get("SelfManagedEventSource")) or ":kafka:" in str(spec.get("EventSourceArn") or "")


def keep(mapping, spec):
    extra = getattr(mapping, "extra", {})
    for name in EXTRA:
        if name in spec:
            extra[name] = int(spec[name]) if name in NUMBERS else plain(spec[name])
    mapping.extra = extra


stock_init, stock_configuration = Mapping.__init__, Mapping.get_configuration
stock_create, stock_update = Backend.create_event_source_mapping, Backend.update_event_source_mapping


def mapping_init(self, spec):
    spec = dict(spec)
    tags = spec.get("Tags")
    if isinstance(tags, list):
        spec["Tags"] = {tag["Key"]: tag["Value"] for tag in tags}
    spec["Enabled"] = plain(spec.get("Enabled", True))
    self.is_self_managed = not spec.get("EventSourceArn")
    spec.setdefault("EventSourceArn", SELF_MANAGED)
    stock_init(self, spec)
    self.function_name = self.function_arn.split(":")[6]
    self.given_tags = spec.get("Tags") or {}
    keep(self, spec)


def mapping_configuration(self):
    answer = {**stock_configuration(self), **getattr(self, "extra", {})}
    if self.is_self_managed:
        answer.pop("EventSourceArn", None)
    answer.pop("Tags", None)
    return answer


def create_mapping(self, spec):
    if not is_kafka(spec):
        return stock_create(self, spec)
    function = self._lambdas.get_function_by_name_or_arn_with_qualifier(spec.get("FunctionName", ""))
    mapping = Mapping(
        {**spec, "RegionName": self.region_name, "AccountId": self.account_id, "FunctionArn": function.function_arn}
    )
    self._event_source_mappings[mapping.uuid] = mapping
    return mapping


def update_mapping(self, uuid, spec):
    spec = dict(spec)
    if "Enabled" in spec:
        spec["Enabled"] = plain(spec["Enabled"])
    mapping = stock_update(self, uuid, spec)
    if mapping:
        keep(mapping, spec)
    return mapping


def list_mappings(self, event_source_arn, function_name):
    parts = (function_name or "").split(":")
    name = parts[6] if len(parts) > 6 else parts[0]
    return [
        mapping
        for mapping in self._event_source_mappings.values()
        if (not event_source_arn or mapping.event_source_arn == event_source_arn)
        and (not name or mapping.function_name == name)
    ]


def set_arn(self, arn):
    self._event_source_arn = arn


def set_batch_size(self, size):
    size = 100 if size is None else int(size)
    if not 1 <= size <= 10000:
        raise models.RESTError("InvalidParameterValueException", f"BatchSize {size} is out of range")
    self._batch_size = size


@classmethod
def delete_mapping(cls, resource_name, cloudformation_json, account_id, region_name):
    models.lambda_backends[account_id][region_name].delete_event_source_mapping(resource_name)


Mapping.__init__ = mapping_init
Mapping.get_configuration = mapping_configuration
Mapping.event_source_arn = property(lambda self: self._event_source_arn, set_arn)
Mapping.batch_size = property(lambda self: self._batch_size, set_batch_size)
Mapping.delete_from_cloudformation_json = delete_mapping
Backend.create_event_source_mapping = create_mapping
Backend.update_event_source_mapping = update_mapping
Backend.list_event_source_mappings = list_mappings

stock_function_create = Function.create_from_cloudformation_json.__func__
stock_function_update = Function.update_from_cloudformation_json.__func__


def with_properties(function, properties):
    function.tags = {tag["Key"]: tag["Value"] for tag in properties.get("Tags", [])}
    function.architectures = properties.get("Architectures", ["x86_64"])
    function.last_modified = iso_8601_datetime_with_nanoseconds()
    return function


@classmethod
def create_function(cls, resource_name, cloudformation_json, account_id, region_name, **kwargs):
    function = stock_function_create(cls, resource_name, cloudformation_json, account_id, region_name, **kwargs)
    return with_properties(function, cloudformation_json["Properties"])


@classmethod
def update_function(cls, original_resource, new_resource_name, cloudformation_json, account_id, region_name):
    updated = stock_function_update(
        cls, original_resource, new_resource_name, cloudformation_json, account_id, region_name
    )
    return with_properties(updated or original_resource, cloudformation_json["Properties"])


def invoke(self, function_name, qualifier, body, headers, response_headers):
    runner = os.environ.get("LAMBDA_RUNNER")
    payload = body.encode() if isinstance(body, str) else (body or b"null")
    if not runner:
        return payload
    request = urllib.request.Request(f"{runner}/{function_name}", data=payload, method="POST")
    with urllib.request.urlopen(request) as answer:
        error = answer.headers.get("X-Amz-Function-Error")
        if error:
            response_headers["X-Amz-Function-Error"] = error
        return answer.read()


Function.create_from_cloudformation_json = create_function
Function.update_from_cloudformation_json = update_function
Backend.invoke = invoke

if __name__ == "__main__":
    main(sys.argv[1:])
