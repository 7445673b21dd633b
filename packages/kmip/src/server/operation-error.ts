import type { ResultReason } from '../error.ts';

/** Why a server does not do what it was asked: what the client is told, word for word. */
export class OperationError extends Error {
  override readonly name = 'OperationError';
  readonly reason: ResultReason;

  constructor(reason: ResultReason, message: string) {
    super(message);
    this.reason = reason;
  }
}
