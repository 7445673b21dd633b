import { activate } from './activate.ts';
import { addAttribute } from './add-attribute.ts';
import { adjustAttribute } from './adjust-attribute.ts';
import { archive } from './archive.ts';
import { cancel } from './cancel.ts';
import { certify } from './certify.ts';
import { check } from './check.ts';
import { create } from './create.ts';
import { createKeyPair } from './create-key-pair.ts';
import { createSplitKey } from './create-split-key.ts';
import { decrypt } from './decrypt.ts';
import { deleteAttribute } from './delete-attribute.ts';
import { deriveKey } from './derive-key.ts';
import { destroy } from './destroy.ts';
import { discoverVersions } from './discover-versions.ts';
import { encrypt } from './encrypt.ts';
import { exportObject } from './export.ts';
import { get } from './get.ts';
import { getAttributeList } from './get-attribute-list.ts';
import { getAttributes } from './get-attributes.ts';
import { getUsageAllocation } from './get-usage-allocation.ts';
import { hash } from './hash.ts';
import { importObject } from './import.ts';
import { joinSplitKey } from './join-split-key.ts';
import { locate } from './locate.ts';
import { mac } from './mac.ts';
import { macVerify } from './mac-verify.ts';
import { modifyAttribute } from './modify-attribute.ts';
import { notify } from './notify.ts';
import { obtainLease } from './obtain-lease.ts';
import { poll } from './poll.ts';
import { put } from './put.ts';
import { query } from './query.ts';
import { reCertify } from './re-certify.ts';
import { reKey } from './re-key.ts';
import { reKeyKeyPair } from './re-key-key-pair.ts';
import { recover } from './recover.ts';
import { register } from './register.ts';
import { revoke } from './revoke.ts';
import { rngRetrieve } from './rng-retrieve.ts';
import { rngSeed } from './rng-seed.ts';
import { setAttribute } from './set-attribute.ts';
import { sign } from './sign.ts';
import { signatureVerify } from './signature-verify.ts';
import { validate } from './validate.ts';

/** The operations that are understood, by the names of the standard, in the order of KMIP 1.4, 9.1.3.2.27. */
export const operations = {
  Create: create,
  'Create Key Pair': createKeyPair,
  Register: register,
  'Re-key': reKey,
  'Derive Key': deriveKey,
  Certify: certify,
  'Re-certify': reCertify,
  Locate: locate,
  Check: check,
  Get: get,
  'Get Attributes': getAttributes,
  'Get Attribute List': getAttributeList,
  'Add Attribute': addAttribute,
  'Modify Attribute': modifyAttribute,
  'Delete Attribute': deleteAttribute,
  'Obtain Lease': obtainLease,
  'Get Usage Allocation': getUsageAllocation,
  Activate: activate,
  Revoke: revoke,
  Destroy: destroy,
  Archive: archive,
  Recover: recover,
  Validate: validate,
  Query: query,
  Cancel: cancel,
  Poll: poll,
  Notify: notify,
  Put: put,
  'Re-key Key Pair': reKeyKeyPair,
  'Discover Versions': discoverVersions,
  Encrypt: encrypt,
  Decrypt: decrypt,
  Sign: sign,
  'Signature Verify': signatureVerify,
  MAC: mac,
  'MAC Verify': macVerify,
  'RNG Retrieve': rngRetrieve,
  'RNG Seed': rngSeed,
  Hash: hash,
  'Create Split Key': createSplitKey,
  'Join Split Key': joinSplitKey,
  Import: importObject,
  Export: exportObject,
  'Adjust Attribute': adjustAttribute,
  'Set Attribute': setAttribute,
} as const;
