/** Why a case does not end as it is written. */
export interface LeftOut {
  readonly feature: string;
  /** Which cases: their version and name. */
  readonly cases: RegExp;
  readonly why: string;
}

/** What the server does not do, and cases that cannot be played as they stand. */
export const leftOut: readonly LeftOut[] = [
  {
    feature: 'Archive, asynchronous operations',
    cases: /TC_101|TC_32_/,
    why: 'Archive and Recover are not carried out; every answer comes at once, which the standard allows a server',
  },
  {
    feature: 'Certify',
    cases: /TC_134/,
    why: 'the server issues no certificates for keys of clients',
  },
  {
    feature: 'Put and Notify',
    cases: /TC_NP|TC-NP/,
    why: 'the server never connects to clients',
  },
  {
    feature: 'Split Key',
    cases: /TC_SJ|TC-SJ/,
    why: 'keys are not split',
  },
  {
    feature: 'Credentials',
    cases: /TC_11[12]/,
    why: 'a client is who its certificate says; a user name never makes it more or less, devices have no credentials',
  },
  {
    feature: 'Default group and its members',
    cases: /TC_15[13]/,
    why: 'the server keeps no stock of keys for clients, and hands the members of a group out by freshness only',
  },
  {
    feature: 'Streams',
    cases: /GCM-3-14|TC-STREAM/,
    why: 'all data of an operation come in one message: nothing of a client stays between messages, whichever server answers',
  },
  {
    feature: 'RSA keys of 1,024 bits',
    cases: /TC_81/,
    why: 'new RSA keys have 2,048 bits and more; shorter ones can be registered',
  },
  {
    feature: 'PKCS #12',
    cases: /TC-PKCS12/,
    why: 'keys are not handed out as PKCS #12',
  },
  {
    feature: 'Another way to seed',
    cases: /CS-RNG-O-[124]/,
    why: 'four cases for four ways to treat RNG Seed, of which a server has one: this one takes nothing (CS-RNG-O-3-14)',
  },
  {
    feature: 'Server Correlation Value',
    cases: /CORVAL/,
    why: 'the server gives none, repeats that of the client, and makes no key without a Cryptographic Usage Mask',
  },
  {
    feature: 'Cases that contradict themselves or the standard',
    cases: /TC_92_10|TC_ECC_3_10|TC_ECC_2_12|TC_142_12|CS_BC_M_7_12|TC-SK-CREATE/,
    why: 'a date of 2010 that comes back as one of 2070; a key that is registered in one form and returned in another under the same name, once without the password that protects it; a wrapped key without the attributes that were to be wrapped with it; an object that the case does not make; a use of a key that is not active',
  },
];
