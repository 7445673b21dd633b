import Type from 'typebox';
import { versionPattern } from '../version.ts';
import { ImaListName } from './ima/ima-list.ts';
import { maxLogBytes } from './messages.ts';

/** What the measurements of a base image reach: only what is covered cannot be changed unnoticed. */
export const Coverage = Type.Object(
  {
    firmware: Type.Boolean(),
    loader: Type.Boolean(),
    kernel: Type.Boolean(),
    cmdline: Type.Boolean(),
    initrd: Type.Boolean(),
    /** `none`: whoever changes the root disk while the host is off is not noticed. */
    userspace: Type.Union([Type.Literal('verity'), Type.Literal('ima'), Type.Literal('none')]),
  },
  { additionalProperties: false },
);
export type Coverage = Type.Static<typeof Coverage>;

/** A base image: the measurements of one boot that hosts may have. */
export const BaseImage = Type.Object(
  {
    v: Type.Literal(1),
    name: Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$' }),
    version: Type.String({ maxLength: 128 }),
    /** ISO 8601. */
    created: Type.String({ maxLength: 32 }),
    bank: Type.Literal('sha256'),
    /** Values of the PCRs that the image fixes, by number, in hexadecimal. */
    pcrs: Type.Record(
      Type.String({ pattern: '^(?:[0-9]|1[0-9]|2[0-3])$' }),
      Type.String({ pattern: '^[0-9a-f]{64}$' }),
      { additionalProperties: false },
    ),
    covers: Coverage,
    /** What the kernel was started with, as the golden host said; here only when its digest was measured. */
    command_line: Type.Optional(Type.String({ maxLength: 4096 })),
    /** Release of the kernel (uname -r), as the golden host said; proven when the kernel image has it in its .uname. */
    kernel: Type.Optional(Type.String({ pattern: versionPattern })),
    /** The files that a host of this image may execute and read as root; without them IMA covers nothing. */
    ima: Type.Optional(
      Type.Object(
        { lists: Type.Array(ImaListName, { minItems: 1, maxItems: 16, uniqueItems: true }) },
        { additionalProperties: false },
      ),
    ),
    /** The agent, which must be among the files that IMA measured. */
    agent: Type.Optional(
      Type.Object(
        {
          path: Type.String({ pattern: '^/[^\\u0000-\\u001f\\u007f]{1,1023}$' }),
          sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }),
        },
        { additionalProperties: false },
      ),
    ),
    /** The TCG log of the boot, base64url: it tells what differs when a host is refused. */
    event_log: Type.String({ pattern: '^[A-Za-z0-9_-]*$', maxLength: Math.ceil((maxLogBytes * 4) / 3) }),
  },
  { additionalProperties: false },
);
export type BaseImage = Type.Static<typeof BaseImage>;

/** Says aloud what an image covers, and what it does not. */
export function coverageInWords(covers: Coverage): string {
  const parts = (['firmware', 'loader', 'kernel', 'cmdline', 'initrd'] as const).filter((part) => covers[part]);
  const missing = (['firmware', 'loader', 'kernel', 'cmdline', 'initrd'] as const).filter((part) => !covers[part]);
  const userspace = {
    verity: 'userspace is covered by dm-verity',
    ima: 'userspace is covered by IMA',
    none: 'userspace is NOT covered: a changed root disk goes unnoticed',
  }[covers.userspace];
  const not = missing.length === 0 ? '' : `; not covered: ${missing.join(', ')}`;
  return `covers ${parts.join(', ')}${not}; ${userspace}`;
}
