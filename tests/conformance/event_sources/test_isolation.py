"""Mappings of one region see nothing of another."""

from __future__ import annotations

import pytest

from tests.conformance.conftest import Functions
from tests.conformance.event_sources.conftest import Bench, flat

pytestmark = pytest.mark.source(
    "https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventsourcemapping.html"
)


def test_streams_of_one_name_in_two_regions_feed_their_own_functions(bench: Bench) -> None:
    there = Bench(bench.aws.at(region="eu-west-1"), bench.functions, lambda name: shared, bench.role)
    there.functions = Functions(there.aws, bench.role)
    shared = bench.unique("shared")
    here = Bench(bench.aws, bench.functions, lambda name: shared, bench.role)
    try:
        boxes = {}
        for each, region in ((here, "us-east-1"), (there, "eu-west-1")):
            name, arn = each.stream()
            assert arn.split(":")[3] == region
            boxes[region] = bench.box()
            function = each.recorder(boxes[region])
            each.map(arn, function, StartingPosition="TRIM_HORIZON")
            each.put(name, region)
        for region, box in boxes.items():
            [event] = box.until(lambda seen: seen)
            assert flat([event]) == [region]
            assert event["Records"][0]["awsRegion"] == region
        listed = there.aws.client("lambda").list_event_source_mappings()["EventSourceMappings"]
        assert all(":eu-west-1:" in mapping["EventSourceArn"] for mapping in listed)
    finally:
        for each in (here, there):
            for undo in reversed(each.undo):
                undo()
        for name in there.functions.made:
            there.aws.client("lambda").delete_function(FunctionName=name)
