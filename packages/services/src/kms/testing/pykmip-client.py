"""Drives PyKMIP's client through all that it can do. Arguments: port, certificate, key, authority, KMIP version."""
import sys

from kmip.core import enums
from kmip.core.exceptions import ReadValueError
from kmip.pie import objects as pie
from kmip.pie.client import ProxyKmipClient
from kmip.pie.exceptions import KmipOperationFailure

port, certificate, private, authority, version = sys.argv[1:]
spoken = enums.KMIPVersion[version]
client = ProxyKmipClient(
    hostname="127.0.0.1", port=int(port), cert=certificate, key=private, ca=authority,
    config_file="/dev/null", kmip_version=spoken)

Mask = enums.CryptographicUsageMask
Reason = enums.ResultReason
use = [Mask.ENCRYPT, Mask.DECRYPT]


def refused(reason, call):
    try:
        call()
    except KmipOperationFailure as failure:
        assert failure.reason == reason, failure
    else:
        raise AssertionError("%s was expected" % reason)


def attribute(kind, value):
    return client.attribute_factory.create_attribute(kind, value)


def named(name):
    return attribute(
        enums.AttributeType.NAME,
        client.attribute_value_factory.create_attribute_value(enums.AttributeType.NAME, name))


def key(octets, name, masks, algorithm=enums.CryptographicAlgorithm.AES):
    return pie.SymmetricKey(algorithm, 8 * len(octets), octets, masks=masks, name="%s-%s" % (name, version))


def end(uid):
    client.revoke(enums.RevocationReasonCode.CESSATION_OF_OPERATION, uid)
    client.destroy(uid)


def life_of_a_key():
    name = "of-pykmip-" + version
    uid = client.create(enums.CryptographicAlgorithm.AES, 256, name=name)
    assert len(client.get(uid).value) == 32
    assert client.get(uid).value == client.get(uid).value
    assert client.locate(attributes=[named(name)]) == [uid]
    _, attributes = client.get_attributes(uid, ["State", "Name", "Cryptographic Length"])
    assert len(attributes) == 3, attributes
    assert "State" in client.get_attribute_list(uid)
    assert client.check(uid, cryptographic_usage_mask=[Mask.ENCRYPT]) == uid
    client.activate(uid)
    refused(Reason.PERMISSION_DENIED, lambda: client.destroy(uid))
    # What PyKMIP sends for it at 2.0 are the fields of 1.x.
    if spoken < enums.KMIPVersion.KMIP_2_0:
        successor = client.rekey(uid)
        assert successor != uid and client.get(successor).value != client.get(uid).value
        assert client.locate(attributes=[named(name)]) == [successor]
        client.revoke(enums.RevocationReasonCode.KEY_COMPROMISE, successor)
        client.destroy(successor)
    end(uid)
    refused(Reason.ITEM_NOT_FOUND, lambda: client.get(uid))


def every_type():
    rsa_public, rsa_private = client.create_key_pair(
        enums.CryptographicAlgorithm.RSA, 2048,
        public_name="public-" + version, public_usage_mask=[Mask.VERIFY, Mask.ENCRYPT],
        private_name="private-" + version, private_usage_mask=[Mask.SIGN, Mask.DECRYPT])
    public, private = client.get(rsa_public), client.get(rsa_private)
    assert isinstance(public, pie.PublicKey) and isinstance(private, pie.PrivateKey)
    known = [
        key(bytes(range(16)), "raw", use),
        pie.PublicKey(enums.CryptographicAlgorithm.RSA, 2048, public.value, public.key_format_type,
                      masks=[Mask.VERIFY]),
        pie.PrivateKey(enums.CryptographicAlgorithm.RSA, 2048, private.value, private.key_format_type,
                       masks=[Mask.SIGN]),
        pie.SecretData(b"a password", enums.SecretDataType.PASSWORD, masks=[Mask.DERIVE_KEY], name="kept-" + version),
        pie.OpaqueObject(b"anything", enums.OpaqueDataType.NONE),
    ]
    for each in known:
        uid = client.register(each)
        assert client.get(uid).value == each.value, each
        client.destroy(uid)
    return rsa_public, rsa_private


def wrapped():
    kek = client.register(key(bytes(range(16)), "wrapping", [Mask.WRAP_KEY]))
    uid = client.register(key(bytes.fromhex("00112233445566778899aabbccddeeff"), "wrapped", use))
    asked = {
        "wrapping_method": enums.WrappingMethod.ENCRYPT,
        "encryption_key_information": {
            "unique_identifier": kek,
            "cryptographic_parameters": {"block_cipher_mode": enums.BlockCipherMode.NIST_KEY_WRAP},
        },
        "encoding_option": enums.EncodingOption.NO_ENCODING,
    }
    refused(Reason.PERMISSION_DENIED, lambda: client.get(uid, key_wrapping_specification=asked))
    client.activate(kek)
    # The standard's own case (TC-141) has the wrapped key as a Byte String; PyKMIP expects a structure all the same.
    try:
        client.get(uid, key_wrapping_specification=asked)
    except ReadValueError as error:
        assert "Tried to read Base.type: expected 1, received 8" in str(error), error
    else:
        raise AssertionError("PyKMIP has learnt to read wrapped keys: compare it with RFC 3394, 4.1")
    client.destroy(uid)
    end(kek)


def cryptography(public, private):
    client.activate(public)
    client.activate(private)
    signing = {
        "padding_method": enums.PaddingMethod.PSS,
        "hashing_algorithm": enums.HashingAlgorithm.SHA_256,
        "cryptographic_algorithm": enums.CryptographicAlgorithm.RSA,
    }
    signature = client.sign(b"what was agreed", private, signing)
    verified = client.signature_verify(b"what was agreed", signature, public, signing)
    assert verified == enums.ValidityIndicator.VALID, verified
    verified = client.signature_verify(b"something else", signature, public, signing)
    assert verified == enums.ValidityIndicator.INVALID, verified
    oaep = {
        "padding_method": enums.PaddingMethod.OAEP,
        "hashing_algorithm": enums.HashingAlgorithm.SHA_256,
        "cryptographic_algorithm": enums.CryptographicAlgorithm.RSA,
    }
    secret, _ = client.encrypt(b"for one reader", public, oaep)
    assert client.decrypt(secret, private, oaep) == b"for one reader"

    uid = client.create(enums.CryptographicAlgorithm.AES, 256, cryptographic_usage_mask=use)
    cbc = {"block_cipher_mode": enums.BlockCipherMode.CBC, "padding_method": enums.PaddingMethod.PKCS5,
           "cryptographic_algorithm": enums.CryptographicAlgorithm.AES}
    iv = bytes(16)
    refused(Reason.PERMISSION_DENIED, lambda: client.encrypt(b"too early", uid, cbc, iv))
    client.activate(uid)
    secret, _ = client.encrypt(b"in good time", uid, cbc, iv)
    assert client.decrypt(secret, uid, cbc, iv) == b"in good time"
    client.revoke(enums.RevocationReasonCode.CESSATION_OF_OPERATION, uid)
    refused(Reason.PERMISSION_DENIED, lambda: client.encrypt(b"too late", uid, cbc, iv))
    assert client.decrypt(secret, uid, cbc, iv) == b"in good time"
    client.destroy(uid)

    mac_key = client.register(key(
        bytes(range(16)), "mac", [Mask.MAC_GENERATE], enums.CryptographicAlgorithm.HMAC_SHA256))
    client.activate(mac_key)
    _, mac = client.mac(b"data", mac_key, enums.CryptographicAlgorithm.HMAC_SHA256)
    assert len(mac) == 32
    end(mac_key)
    end(public)
    end(private)


def derivation():
    base = client.register(pie.SecretData(
        b"password", enums.SecretDataType.PASSWORD, masks=[Mask.DERIVE_KEY], name="base-" + version))
    client.activate(base)
    uid = client.derive_key(
        enums.ObjectType.SYMMETRIC_KEY, [base], enums.DerivationMethod.PBKDF2,
        {"cryptographic_parameters": {"hashing_algorithm": enums.HashingAlgorithm.SHA_1},
         "salt": b"salt", "iteration_count": 4096},
        cryptographic_length=128, cryptographic_algorithm=enums.CryptographicAlgorithm.AES,
        cryptographic_usage_mask=use)
    # RFC 6070.
    assert client.get(uid).value.hex() == "4b007901b765489abead49d926f721d0", client.get(uid).value.hex()
    client.destroy(uid)
    end(base)


with client:
    life_of_a_key()
    public, private = every_type()
    # 1.0 has no Encoding Option.
    if spoken >= enums.KMIPVersion.KMIP_1_1:
        wrapped()
    if spoken >= enums.KMIPVersion.KMIP_1_2:
        cryptography(public, private)
    derivation()
print("done")
