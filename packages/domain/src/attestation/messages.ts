import Type from 'typebox';

/** Base64url text of at most `bytes` bytes. */
const octets = (bytes: number) => Type.String({ pattern: '^[A-Za-z0-9_-]*$', maxLength: Math.ceil((bytes * 4) / 3) });

const closed = { additionalProperties: false } as const;

/** Longest kernel command line that a host may send, in characters; x86 takes 2,048 of them. */
export const maxCommandLine = 4096;

/** Largest TCG or IMA log that a host may send, in bytes. */
export const maxLogBytes = 16 * 1024 * 1024;

/**
 * Header in which the sealed challenge comes back: it is opened before the body is read, so evidence that answers no
 * challenge of this instance costs nothing.
 */
export const challengeHeader = 'vouchsafe-challenge';

const PcrNumber = '^(?:[0-9]|1[0-9]|2[0-3])$';

/** Banks beside SHA-256 that are quoted where a TPM has them, with the hexadecimal digits of their values. */
export const otherBanks = { sha1: 40, sha384: 96, sha512: 128 } as const;
export type OtherBank = keyof typeof otherBanks;
const OtherBankName = Type.Union([Type.Literal('sha1'), Type.Literal('sha384'), Type.Literal('sha512')]);

const values = (digits: number) =>
  Type.Record(Type.String({ pattern: PcrNumber }), Type.String({ pattern: `^[0-9a-f]{${digits}}$` }), closed);

/** First round, host to attestd: who I am and which key will sign. */
export const ChallengeRequest = Type.Object(
  {
    ek: Type.Object(
      {
        /** TPMT_PUBLIC; always, since a certificate does not tell the template. */
        public: octets(1024),
        certificate: Type.Optional(octets(8192)),
        /** Certificates found in the TPM or beside it; untrusted. */
        intermediates: Type.Optional(Type.Array(octets(8192), { maxItems: 16 })),
      },
      closed,
    ),
    /** TPMT_PUBLIC of the attestation key. */
    ak: octets(1024),
    banks: Type.Array(Type.String({ maxLength: 16 }), { maxItems: 16 }),
  },
  closed,
);
export type ChallengeRequest = Type.Static<typeof ChallengeRequest>;

/** First round, attestd to host. */
export const ChallengeAnswer = Type.Object(
  {
    /** Opaque to the host; comes back with the evidence. */
    challenge: Type.String({ maxLength: 16384 }),
    nonce: octets(32),
    /** Content of TPM2B_ID_OBJECT, without its size. */
    credential_blob: octets(256),
    /** Content of TPM2B_ENCRYPTED_SECRET, without its size. */
    encrypted_secret: octets(1024),
    bank: Type.Literal('sha256'),
    pcrs: Type.Array(Type.Integer({ minimum: 0, maximum: 23 }), { maxItems: 24 }),
    /** Banks to quote beside it, PCR 0 to 7 of each; only told to hosts that offered them. */
    banks: Type.Optional(Type.Array(OtherBankName, { maxItems: 3 })),
    expires: Type.Integer(),
  },
  closed,
);
export type ChallengeAnswer = Type.Static<typeof ChallengeAnswer>;

/** Second round, host to attestd: the evidence. */
export const Evidence = Type.Object(
  {
    /** Also taken from here for one version; see `challengeHeader`. */
    challenge: Type.Optional(Type.String({ maxLength: 16384 })),
    /** The exact octets that the quote covers. */
    claims: octets(4096),
    /** TPMS_ATTEST. */
    attest: octets(2048),
    /** TPMT_SIGNATURE. */
    signature: octets(1024),
    ek_certificate: Type.Optional(octets(8192)),
    intermediates: Type.Optional(Type.Array(octets(8192), { maxItems: 16 })),
    /** Values of the quoted PCRs by number, in hexadecimal. */
    pcrs: values(64),
    /** Values of the other banks that were asked for. */
    banks: Type.Optional(
      Type.Object(
        {
          sha1: Type.Optional(values(otherBanks.sha1)),
          sha384: Type.Optional(values(otherBanks.sha384)),
          sha512: Type.Optional(values(otherBanks.sha512)),
        },
        closed,
      ),
    ),
    event_log: Type.Optional(octets(maxLogBytes)),
    /** SHA-256 of the event log in the place of the log, when the service holds what it says for this boot. */
    event_log_sha256: Type.Optional(Type.String({ pattern: '^[0-9a-f]{64}$' })),
    ima_log: Type.Optional(octets(maxLogBytes)),
    /** /proc/cmdline: the text behind a digest that the log holds, never believed by itself. */
    command_line: Type.Optional(Type.String({ maxLength: maxCommandLine })),
    /** Entries of the IMA log that the service knows and that `ima_log` leaves out; only beside `event_log_sha256`. */
    ima_offset: Type.Optional(Type.Integer({ minimum: 0, maximum: 2 ** 31 - 1 })),
    /** What to answer with beside the JWT, which always comes. */
    documents: Type.Optional(
      Type.Array(Type.Union([Type.Literal('jwt'), Type.Literal('saml2')]), { maxItems: 2, uniqueItems: true }),
    ),
  },
  closed,
);
export type Evidence = Type.Static<typeof Evidence>;
/** Evidence with all that the service could ask for. */
export type WholeEvidence = Evidence & Required<Pick<Evidence, 'challenge' | 'event_log'>>;

/** Second round of a capture, attestd to host. */
export const CaptureAnswer = Type.Object({ statement: Type.String({ maxLength: 16_384 }) }, closed);
export type CaptureAnswer = Type.Static<typeof CaptureAnswer>;

/** One finding of a verdict. */
export const Finding = Type.Object({
  check: Type.String(),
  severity: Type.Union([Type.Literal('fail'), Type.Literal('warn'), Type.Literal('info')]),
  detail: Type.String(),
  pcr: Type.Optional(Type.Integer()),
  /** Index of the event in the event log. */
  event: Type.Optional(Type.Integer()),
  /** Name of the base image that it is about. */
  image: Type.Optional(Type.String()),
  advice: Type.Optional(Type.String()),
});

/** Second round, attestd to host. */
export const ReportAnswer = Type.Object({
  attested: Type.Boolean(),
  token: Type.Optional(Type.String()),
  /** SAML 2.0 assertion (XML) with the facts of the token, when it was asked for. */
  saml: Type.Optional(Type.String({ maxLength: 65536 })),
  expires: Type.Optional(Type.Integer()),
  image: Type.Optional(Type.String()),
  host: Type.Optional(Type.String()),
  findings: Type.Array(Finding),
  /** Seconds after which the host should attest again. */
  next_attestation: Type.Optional(Type.Integer({ minimum: 1 })),
  /** What the service holds of this boot: the next evidence may refer to it. */
  held: Type.Optional(
    Type.Object({
      event_log_sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }),
      ima_entries: Type.Integer({ minimum: 0 }),
    }),
  ),
});
export type ReportAnswer = Type.Static<typeof ReportAnswer>;
