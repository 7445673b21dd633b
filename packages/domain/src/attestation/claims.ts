import Type from 'typebox';
import { EcJwk } from '../keys/jwk.ts';
import { jsonReader } from '../parse.ts';

/** A group: base64url(SHA-256(SubjectPublicKeyInfo of the group CA)). */
export const GroupId = Type.String({ pattern: '^[A-Za-z0-9_-]{43}$' });

/** What a host claims about itself and binds to the quote: the keys of this boot, its pinned group, its agent. */
export const AgentClaims = Type.Object(
  {
    /** Key that signs the host's proofs of possession. */
    sig: EcJwk,
    /** Key that released keys are encrypted to. */
    enc: EcJwk,
    /** SHA-256 of the SubjectPublicKeyInfo of the migration key, base64url. */
    mig: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9_-]{43}$' })),
    group: GroupId,
    /** Name and version of the agent; for people, never decided upon. */
    agent: Type.String({ maxLength: 128 }),
    /** The kernel's random name for its boot (Linux: /proc/sys/kernel/random/boot_id): no more than the host's word. */
    boot_id: Type.Optional(Type.String({ pattern: '^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$' })),
  },
  { additionalProperties: false },
);
export type AgentClaims = Type.Static<typeof AgentClaims>;

/** Reads the claims from the octets that the quote covers. @throws {Problem} `input.malformed`, `input.invalid` */
export const readClaims = jsonReader('attestation claims', AgentClaims);
