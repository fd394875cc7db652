"""The custom resources as pydantic models: the single source of the CRDs. Pure; imports no client and no clock."""
