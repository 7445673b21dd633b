import Type from 'typebox';
import { rule } from './rule.ts';

/** How PCR 7 is compared with an image; what it means stands in image-fit.ts. */
export const secureBootMatch = rule({
  help: 'exact: PCR 7 equals that of the image. keys: Secure Boot state, PK, KEK, db and who verified equal those of the image, and dbx holds at least what it holds there.',
  stops: 'a new image for every update of dbx',
  advice: 'vouchsafe rules set secure-boot.match exact',
  needs: 'every event of PCR 7',
  schema: Type.Union([Type.Literal('exact'), Type.Literal('keys')]),
  default: 'exact',
  check: () => [],
});
