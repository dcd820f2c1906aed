export * from "./sdk.ts";
export * from "./sdk-services.ts";
