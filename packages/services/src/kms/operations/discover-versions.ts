import type { discoverVersions as operation } from '@vouchsafe/kmip/operations/discover-versions';
import type { RequestOf, ResponseOf } from '@vouchsafe/kmip/operations/operation';
import { sameVersion, versions } from '@vouchsafe/kmip/version';

/** KMIP 1.4, 4.26: the versions that both sides speak, best first; all of ours when the client names none. */
export const discoverVersions = ({ versions: theirs }: RequestOf<typeof operation>): ResponseOf<typeof operation> => ({
  versions: versions.filter((ours) => theirs.length === 0 || theirs.some((each) => sameVersion(each, ours))),
});
