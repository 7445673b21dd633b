import { EncodeError } from '@vouchsafe/bytes/writer';
import type { Operation } from '../../operations/operation.ts';
import { rankOf } from '../../ttlv/vocabulary.ts';

/**
 * An operation on one of several attributes of a name. Versions 1.x say which one by its index, 2.x by the value that it
 * has: an index would be left out there without a word, and another attribute be meant.
 */
export const whichOne = <Request, Response>(
  operation: Operation<Request, Response>,
  named: (request: Request) => { readonly index: number | undefined; readonly current: unknown },
): Operation<Request, Response> => ({
  ...operation,
  request: {
    ...operation.request,
    write(writer, request) {
      const { index = 0, current } = named(request);
      if (writer.rank >= rankOf('2.0') && index > 0 && current === undefined)
        throw new EncodeError(
          `${operation.name}: in this version an attribute is named by its value, not by its index`,
        );
      operation.request.write(writer, request);
    },
  },
});
