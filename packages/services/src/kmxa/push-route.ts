import { validator } from '@vouchsafe/domain/parse';
import Type from 'typebox';
import type { Route } from '../http/server.ts';
import type { PushedKeys } from './pushed-keys.ts';

const Push = Type.Object({ push: Type.String({ maxLength: 64 * 1024 }) }, { additionalProperties: false });
const read = validator('request body', Push);

/** Where keys of a center come in, from outside: their authority is in the signature, whoever brings them. */
export const pushRoute = (pushed: PushedKeys): Route => ({
  method: 'POST',
  path: '/trusted-infrastructure/kms/pushes',
  bodyLimit: 68 * 1024,
  handle: async ({ body }) => ({ body: await pushed.accept(read(body).push) }),
});
