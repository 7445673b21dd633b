/** A case that a key server must survive, and the tests that show it. */
export interface SurvivalCase {
  readonly id: string;
  readonly what: string;
  /** What the server does. */
  readonly outcome: string;
  /** Files beside `kms/` with the beginning of the test's name. */
  readonly tests: readonly (readonly [file: string, test: string])[];
}

const kms = (file: string) => `packages/services/src/kms/${file}.test.ts`;
const wire = [kms('survival'), 'what is wrong with a message is said or ends its connection'] as const;
const hostile = (test: string) => [kms('hostile-client'), test] as const;
const survival = (test: string) => [kms('survival'), test] as const;
const batch = (test: string) => [kms('batch'), test] as const;
const clients = (test: string) => [kms('clients'), test] as const;
const whole = hostile('a message that is refused as a whole has no effect');
const codec = (test: string) => ['packages/kmip/src/ttlv/check.malformed.test.ts', test] as const;
const mutants = hostile('mutated messages never stop the server');

const invalid = 'Invalid Message, and the connection ends';

/** By letter: framing, batches, headers, objects, transport. */
export const survivalTable: readonly SurvivalCase[] = [
  {
    id: 'F1',
    what: 'a header that announces 64 MiB or 4 GiB',
    outcome: 'the connection ends, nothing is allocated',
    tests: [wire],
  },
  {
    id: 'F2',
    what: 'another root, type or protocol',
    outcome: 'the connection ends',
    tests: [wire, hostile('what is no message ends its connection')],
  },
  { id: 'F3', what: 'a length that is 0 or no multiple of 8', outcome: 'the connection ends', tests: [wire] },
  {
    id: 'F4',
    what: 'items longer or shorter than their parent, octets behind the last',
    outcome: invalid,
    tests: [wire, codec('every truncation of a message is refused'), mutants],
  },
  { id: 'F5', what: 'numbers and dates of another length', outcome: invalid, tests: [wire] },
  { id: 'F6', what: 'padding that is not zero', outcome: invalid, tests: [wire] },
  { id: 'F7', what: 'values that are not in a table', outcome: 'the item is refused', tests: [wire] },
  {
    id: 'F8',
    what: 'up to 100000 structures inside one another',
    outcome: `${invalid}; without recursion`,
    tests: [wire, codec('structures nested 100000 deep are refused without recursion')],
  },
  { id: 'F9', what: 'text that is no UTF-8, has a NUL, or counts its padding', outcome: invalid, tests: [wire] },
  {
    id: 'F10',
    what: 'text of 300 kB, 120000 items',
    outcome: `${invalid}; memory does not grow`,
    tests: [wire, codec('a message of 120000 small items is refused')],
  },
  {
    id: 'F11',
    what: 'messages in one write, in writes of one octet, and 5 octets more',
    outcome: 'answered in order; the rest has its time',
    tests: [hostile('messages in one write, and in writes of one octet'), survival('five octets behind a message')],
  },
  {
    id: 'F12',
    what: 'half a message, then silence',
    outcome: 'the connection ends with the time of a message',
    tests: [hostile('half a message that is never finished')],
  },
  {
    id: 'F13',
    what: 'plain text, HTTP, old TLS, no certificate, half-open connections, silence',
    outcome: 'each ends with its time; others are served',
    tests: [
      hostile('silence, a handshake that never ends'),
      survival('hundreds of connections that never shake hands'),
      survival('TLS below 1.2 is refused'),
      survival('a peer that no certificate vouches for'),
    ],
  },
  {
    id: 'B1',
    what: 'a Batch Count that is not the number of items',
    outcome: 'Invalid Message, nothing is done',
    tests: [whole, wire],
  },
  {
    id: 'B2',
    what: '1000 items; thousands of messages at once',
    outcome: 'Invalid Message above 256; connections take turns',
    tests: [wire, survival('clients that never read their answers')],
  },
  {
    id: 'B3',
    what: 'items without an id among several, the same id twice, an id of 1 MB; ids that repeat from message to message',
    outcome: 'refused within a message, allowed from message to message',
    tests: [whole, wire, [kms('vcenter'), 'the conversation of a vCenter']],
  },
  {
    id: 'B4',
    what: 'Stop, Continue, Undo',
    outcome: 'as KMIP 1.4, 6.13 says',
    tests: [batch('KMIP 1.4, 6.13: Stop'), batch('KMIP 1.4, 6.13: Continue'), batch('KMIP 1.4, 6.13: Undo takes')],
  },
  {
    id: 'B5',
    what: 'an operation on no identifier as the first',
    outcome: 'Missing Data',
    tests: [hostile('the ID Placeholder lives as long as its message')],
  },
  {
    id: 'B6',
    what: 'Locate with one hit, and with two',
    outcome: 'sets the placeholder, clears it',
    tests: [hostile('the ID Placeholder lives as long as its message')],
  },
  { id: 'H1', what: 'versions 9.9 and 0.0', outcome: 'Invalid Message in our newest version', tests: [whole] },
  {
    id: 'H2',
    what: 'Maximum Response Size of 16, -1, or less than the answer',
    outcome: 'Response Too Large, nothing is done',
    tests: [whole, hostile('a Create whose answer does not fit')],
  },
  { id: 'H3', what: 'an asynchronous request', outcome: 'answered at once', tests: [batch('KMIP 1.4, 6.7')] },
  { id: 'H4', what: 'a Time Stamp of 1970 or 2100', outcome: 'answered', tests: [wire] },
  {
    id: 'H5',
    what: 'Authentication twice, a password of 900 kB, other kinds and other users',
    outcome: 'refused; a credential never widens who the certificate is',
    tests: [wire, hostile('a credential is neither refused'), hostile('a client that has user names')],
  },
  {
    id: 'H6',
    what: 'unknown and repeated fields',
    outcome: 'Invalid Field, Invalid Message',
    tests: [wire, codec('KMIP 1.4, 9.1.2')],
  },
  {
    id: 'O1',
    what: 'keys of impossible length, algorithm or attributes',
    outcome: 'Invalid Field, nothing is made',
    tests: [hostile('keys that are asked for wrongly')],
  },
  { id: 'O3', what: 'SQL, paths and patterns for an identifier', outcome: 'Item Not Found', tests: [wire] },
  {
    id: 'O4',
    what: 'an identifier of another scope',
    outcome: 'Item Not Found, in the same words and the same time as one of nothing',
    tests: [
      hostile('a foreign object and a missing one'),
      survival('answers to a foreign and to a missing identifier'),
      [kms('roles'), 'a client of another scope reads nothing'],
    ],
  },
  {
    id: 'T1',
    what: 'client certificates that ended, of another authority with the same names, self-signed, weak, with odd names or for servers only',
    outcome: 'who a client is follows from the fingerprint alone',
    tests: [
      clients('a certificate with the right name from another authority'),
      clients('an expired client certificate'),
      clients('a foreign certificate is let in by itself alone'),
      clients('what could never come in, or is too weak'),
      survival('whatever a pinned certificate says'),
    ],
  },
  {
    id: 'T2',
    what: 'renegotiation, sessions resumed after the client was shut out, tickets of another server',
    outcome: 'no renegotiation; the certificate is looked up for each message',
    tests: [
      survival('no client renegotiates'),
      survival('a session is resumed as the client'),
      clients('a removed client is out at once'),
    ],
  },
  {
    id: 'T3',
    what: 'more connections than there is room for, clients that never read',
    outcome: 'who has most gives way; nothing is read of who does not read',
    tests: [
      hostile('an address gets so many connections'),
      survival('when there is no room'),
      survival('clients that never read their answers'),
    ],
  },
];
