"""Drives PyKMIP's client through the life of a key. Arguments: port, certificate, key, authority, KMIP version."""
import sys

from kmip.core import enums
from kmip.pie.client import ProxyKmipClient
from kmip.pie.exceptions import KmipOperationFailure

port, certificate, key, authority, version = sys.argv[1:]
client = ProxyKmipClient(
    hostname="127.0.0.1", port=int(port), cert=certificate, key=key, ca=authority,
    config_file="/dev/null", kmip_version=enums.KMIPVersion[version])


def refused(reason, call):
    try:
        call()
    except KmipOperationFailure as failure:
        assert failure.reason == reason, failure
    else:
        raise AssertionError("%s was expected" % reason)


with client:
    name = "of-pykmip-" + version
    uid = client.create(enums.CryptographicAlgorithm.AES, 256, name=name)
    assert len(client.get(uid).value) == 32
    assert client.get(uid).value == client.get(uid).value
    assert client.locate(attributes=[client.attribute_factory.create_attribute(
        enums.AttributeType.NAME, client.attribute_value_factory.create_attribute_value(
            enums.AttributeType.NAME, name))]) == [uid]
    uids, attributes = client.get_attributes(uid, ["State", "Name"])
    assert "State" in client.get_attribute_list(uid)
    client.activate(uid)
    refused(enums.ResultReason.PERMISSION_DENIED, lambda: client.destroy(uid))
    client.revoke(enums.RevocationReasonCode.CESSATION_OF_OPERATION, uid)
    client.destroy(uid)
    refused(enums.ResultReason.ITEM_NOT_FOUND, lambda: client.get(uid))
print("done")
