import { bootAttempts, bootLoaders, bootOptions } from './boot-path.ts';
import { cmdlineAllowed, cmdlineForbidden, cmdlineRequired, cmdlineUnreadable } from './command-line.ts';
import {
  eventLogQuirks,
  firmwareDebug,
  firmwareDrivers,
  firmwareExit,
  firmwareLocality,
  firmwareVersions,
} from './firmware.ts';
import type { BootRule } from './rule.ts';
import { secureBootAuthorities } from './secure-boot-authorities.ts';
import { secureBootConsistent } from './secure-boot-consistent.ts';
import { secureBootDbx } from './secure-boot-dbx.ts';
import { secureBootKeys } from './secure-boot-keys.ts';
import { secureBootMatch } from './secure-boot-match.ts';
import { secureBootRequired } from './secure-boot-required.ts';
import { shimMokListTrusted, shimSbatLevel } from './shim.ts';

/** Every rule about what a host booted, by id. */
export const bootRules = {
  'secure-boot.required': secureBootRequired,
  'secure-boot.consistent': secureBootConsistent,
  'secure-boot.match': secureBootMatch,
  'secure-boot.pk': secureBootKeys('PK', 'the platform key'),
  'secure-boot.kek': secureBootKeys('KEK', 'the key exchange keys'),
  'secure-boot.db': secureBootKeys('db', 'loaders'),
  'secure-boot.dbx': secureBootDbx,
  'secure-boot.authorities': secureBootAuthorities,
  'shim.sbat-level': shimSbatLevel,
  'shim.mok-untrusted': shimMokListTrusted,
  'boot.loaders': bootLoaders,
  'boot.options': bootOptions,
  'boot.attempts-ignored': bootAttempts,
  'firmware.locality': firmwareLocality,
  'firmware.versions': firmwareVersions,
  'firmware.drivers': firmwareDrivers,
  'firmware.debug-off': firmwareDebug,
  'firmware.exit-boot-services': firmwareExit,
  'cmdline.forbidden': cmdlineForbidden,
  'cmdline.required': cmdlineRequired,
  'cmdline.allowed': cmdlineAllowed,
  'cmdline.unreadable': cmdlineUnreadable,
  'eventlog.quirks': eventLogQuirks,
} as const satisfies Record<string, BootRule>;
export type RuleId = keyof typeof bootRules;

export const ruleIds = Object.keys(bootRules) as RuleId[];
