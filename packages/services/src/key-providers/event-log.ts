import { type EventSink, eventText, providerEvents } from '@vouchsafe/domain/keys/provider-events';
import type { Logger } from 'pino';

const levels = { info: 'info', warning: 'warn', error: 'error' } as const;

/** Writes events into the log of a part, one line each. */
export const eventLog =
  (log: Pick<Logger, 'info' | 'warn' | 'error'>): EventSink =>
  (event) => {
    const { severity, advice } = providerEvents[event.id];
    const { id, ...subject } = event;
    log[levels[severity]]({ event: id, ...subject, advice }, eventText(event));
  };
