/**
 * What may differ between the answer of a server and that of a case. Everything else that differs is a failure: a field
 * that the case does not have, one that it has and we do not, another value, another order.
 *
 * Most rules are permitted test case variations of "KMIP Profiles Version 1.4" (OASIS Standard, 22 November 2017); the
 * last says where a case states a fact about the server that it was recorded on.
 */
export const rules = {
  times: 'Time Stamps, and dates of attributes that no request of the case gave: the clock of the recording',
  generated:
    'key material, digests and wrapped forms of keys that the server made, and what it computed with such keys',
  random: 'what an operation computes with random numbers: signatures of PSS and ECDSA, OAEP, IVs made by the server',
  ids: 'the id in an answer about the object that the request named',
  message: 'Result Message: its text, and whether there is one',
  index: 'Attribute Index 0: whether it is said',
  order: 'the order of attributes, of names of attributes, and of the ids that Locate finds',
  attributes: 'attributes beyond those of the case, where all of an object were asked for',
  query:
    'operations, object types and profiles in the answer to Query beyond those of the case; of the operations of the case all that the Baseline Server profile demands must be there',
  versions: 'further versions in the answer to Discover Versions when the client names none',
  server:
    'who the server is and what it says of itself: Vendor Identification, Server Information, extensions, capabilities, its random number generator, how long its leases last; the version of an answer is that of its request',
} as const;

/** A rule that allows a difference. */
export type Rule = keyof typeof rules;

/** Operations that a Baseline Server carries out (KMIP Profiles 1.4). */
export const baselineOperations = [
  'Locate',
  'Check',
  'Get',
  'GetAttributes',
  'GetAttributeList',
  'AddAttribute',
  'ModifyAttribute',
  'DeleteAttribute',
  'Activate',
  'Revoke',
  'Destroy',
  'Query',
  'DiscoverVersions',
] as const;
