"""Who served a request, told by the host of its URL; names as in OpenTelemetry's gen_ai.provider.name."""

from typing import Final
from urllib.parse import urlsplit

_HOSTS: Final = (
    ("openai.azure.com", "azure.ai.openai"),
    ("services.ai.azure.com", "azure.ai.inference"),
    ("inference.ai.azure.com", "azure.ai.inference"),
    ("api.openai.com", "openai"),
    ("chatgpt.com", "openai"),
    ("api.anthropic.com", "anthropic"),
    ("amazonaws.com", "aws.bedrock"),
    ("generativelanguage.googleapis.com", "gcp.gemini"),
    ("aiplatform.googleapis.com", "gcp.vertex_ai"),
    ("api.groq.com", "groq"),
    ("api.mistral.ai", "mistral_ai"),
    ("api.cohere.com", "cohere"),
    ("api.cohere.ai", "cohere"),
    ("api.deepseek.com", "deepseek"),
    ("api.perplexity.ai", "perplexity"),
    ("api.x.ai", "x_ai"),
    ("ml.cloud.ibm.com", "ibm.watsonx.ai"),
    ("openrouter.ai", "openrouter"),
    ("api.together.xyz", "together"),
    ("api.cerebras.ai", "cerebras"),
    ("huggingface.co", "huggingface"),
    ("api.replicate.com", "replicate"),
    ("snowflakecomputing.com", "snowflake"),
    ("githubcopilot.com", "github_copilot"),
    ("api.venice.ai", "venice"),
    ("api.z.ai", "z_ai"),
    ("bigmodel.cn", "z_ai"),
    ("aliyuncs.com", "alibaba"),
    ("moonshot.ai", "moonshot"),
    ("databricks.com", "databricks"),
    ("azuredatabricks.net", "databricks"),
    ("api.writer.com", "writer"),
)


def provider_of(url: str | None) -> str | None:
    """The provider behind `url`; None if the host is nobody's that is known (a gateway, localhost)."""
    if url is None:
        return None
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return None
    for suffix, provider in _HOSTS:
        if host == suffix or host.endswith("." + suffix):
            return provider
    return None
