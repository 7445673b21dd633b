import { RngParameters } from '../attribute-values.ts';
import { attestationType, clientRegistrationMethod, objectType, operation, queryFunction } from '../enums.ts';
import {
  CapabilityInformation,
  ExtensionInformation,
  ProfileInformation,
  ValidationInformation,
} from '../server-facts.ts';
import { lazy } from '../ttlv/lazy.ts';
import { openEnumeration, text } from '../ttlv/scalars.ts';
import { optional, repeated, since, structure } from '../ttlv/structure.ts';
import { declare } from './operation.ts';

const many = 256;

/** KMIP 1.4, 4.25. What the server can do and who made it. */
export const query = declare({
  name: 'Query',
  since: { major: 1, minor: 0 },
  repeatable: true,
  request: structure('Request Payload', { functions: repeated(openEnumeration('Query Function', queryFunction), 32) }),
  response: structure('Response Payload', {
    operations: repeated(openEnumeration('Operation', operation), many),
    objectTypes: repeated(openEnumeration('Object Type', objectType), many),
    vendor: optional(text('Vendor Identification', 1024)),
    serverInformation: optional(lazy('Server Information')),
    applicationNamespaces: repeated(text('Application Namespace', 1024), many),
    extensions: since('1.1', repeated(ExtensionInformation, many)),
    attestationTypes: since('1.2', repeated(openEnumeration('Attestation Type', attestationType), many)),
    rngs: since('1.3', repeated(RngParameters, many)),
    profiles: since('1.3', repeated(ProfileInformation, many)),
    validations: since('1.3', repeated(ValidationInformation, many)),
    capabilities: since('1.3', repeated(CapabilityInformation, many)),
    registrationMethods: since(
      '1.3',
      repeated(openEnumeration('Client Registration Method', clientRegistrationMethod), many),
    ),
  }),
});
